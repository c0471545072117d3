"""The zip of seed files, and the identity of what is in it.

The bytes depend on paths, executable bits and contents alone. Nothing is compressed: what deflate writes differs
between zlib's versions and its replacements (zlib-ng, which some builds of Python carry), and seed code is small.
"""

import hashlib
import io
import stat
import zipfile
from collections.abc import Sequence

from components.packaging.seed_files import SeedFile

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can state."""
_UNIX = 3
_ENTRY_BYTES = 30 + 46
"""Size of an entry's two headers, each with the path after it."""
_END_BYTES = 22


def archive(files: Sequence[SeedFile]) -> bytes:
    """The zip of the files, in the order of their paths."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", allowZip64=False) as target:
        for file in sorted(files, key=lambda file: file.path):
            entry = zipfile.ZipInfo(file.path, _EPOCH)
            entry.compress_type = zipfile.ZIP_STORED
            entry.create_system = _UNIX
            entry.external_attr = (stat.S_IFREG | _mode(file)) << 16
            target.writestr(entry, file.content)
    return buffer.getvalue()


def archive_size(files: Sequence[SeedFile]) -> int:
    """Bytes of the zip, without making it."""
    return _END_BYTES + sum(
        _ENTRY_BYTES + 2 * len(file.path.encode(errors="replace")) + len(file.content) for file in files
    )


def file_digest(file: SeedFile) -> str:
    """Hash of the mode and the content of one file, in hexadecimal."""
    return hashlib.sha256(f"{_mode(file):o}\n".encode() + file.content).hexdigest()


def content_digest(files: Sequence[SeedFile]) -> str:
    """SHA-256 of paths, modes and contents, in hexadecimal: the same however the zip would be written."""
    whole = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.path):
        # Length first, so that no two lists of files run together into the same bytes.
        path = file.path.encode(errors="surrogateescape")
        whole.update(f"{len(path)} {_mode(file):o} {len(file.content)}\n".encode())
        whole.update(path)
        whole.update(file.content)
    return whole.hexdigest()


def _mode(file: SeedFile) -> int:
    return 0o755 if file.executable else 0o644
