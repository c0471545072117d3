"""The bytes of a file, text or archive that a program gives as an input."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox.provider.values import Value

SIGNATURE = "4dabf18193072939515e22adb298388d"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
HASH = "hash"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


class AssetError(Exception):
    """An asset whose bytes are not on this machine."""


def is_asset(value: Value) -> bool:
    """Say whether the engine sent this value as an asset or archive."""
    return isinstance(value, Mapping) and value.get(SIGNATURE) in (ASSET, ARCHIVE)


def read_asset(asset: Mapping[str, Value]) -> bytes:
    """Return an asset's bytes; of an archive that is no file already, the bytes of a zip."""
    if asset.get("text"):
        return str(asset["text"]).encode()
    path = Path(asset.get("path") or "")
    if asset.get("path") and path.is_file():
        return path.read_bytes()
    if asset[SIGNATURE] == ASSET:
        raise AssetError(f"the asset {asset.get('path') or asset.get('uri') or 'without text'!r} is no local file")
    return _zip(_members(asset))


def _members(archive: Mapping[str, Value]) -> Iterator[tuple[str, bytes]]:
    if archive.get("assets"):
        for name, member in sorted(archive["assets"].items()):
            if member[SIGNATURE] == ASSET:
                yield name, read_asset(member)
            else:
                yield from ((f"{name}/{inner}", data) for inner, data in _members(member))
        return
    root = Path(archive.get("path") or "")
    if not archive.get("path") or not root.is_dir():
        raise AssetError(f"the archive {archive.get('path') or archive.get('uri')!r} is no local file or folder")
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield path.relative_to(root).as_posix(), path.read_bytes()


def _zip(members: Iterator[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), data)
    return buffer.getvalue()
