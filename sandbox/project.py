"""The sandbox's copy of the Pulumi project, so that no command in the sandbox writes into the checkout."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.faults import SandboxError

_SALT = "encryptionsalt"
# What ties a stack to a real account; in the sandbox it would only stand in the way.
_ACCOUNT_KEYS = ("aws:allowedAccountIds", "aws:forbiddenAccountIds", "aws:profile", "aws:assumeRoles")
_COPIED = "copied-stack-files"
"""File beside the copies that names them."""
_SECRETS_KEYS = ("secretsprovider", "encryptedkey", _SALT)


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project as a person wrote it, and its copy for the sandbox."""

    source: Path
    """Holds `Pulumi.yaml` and the stack files; only read."""
    target: Path
    """Where the copy goes."""
    program: Path
    """The program of a project that brings none of its own."""

    def stacks(self) -> list[str]:
        """Name the stacks that have a settings file."""
        return [path.name.split(".")[1] for path in self._stack_files(self.source)]

    def region(self) -> str | None:
        """Give the region of the first stack that states one."""
        for path in self._stack_files(self.source):
            config = _load(path).get("config") or {}
            if region := config.get("aws:region"):
                return str(region)
        return None

    def sync(self, plugins: Mapping[str, Mapping[str, Path]]) -> None:
        """Bring the copy up to date; all that stays of it is the salt that the engine wrote into a stack file.

        A stack file that somebody else has written beside the copies, such as that of a deployment test, is left alone.

        `plugins` gives the folder of each plugin that is not the engine's own, by kind and name.
        """
        self.target.mkdir(parents=True, exist_ok=True)
        _write(self.target / "Pulumi.yaml", yaml.safe_dump(self._settings(plugins), sort_keys=False))
        sources = self._stack_files(self.source)
        copied = self.target / _COPIED
        before = copied.read_text(errors="replace").splitlines() if copied.exists() else []
        _write(copied, "".join(f"{path.name}\n" for path in sources))
        names = {path.name for path in sources}
        for path in self._stack_files(self.target):
            if path.name in before and path.name not in names:
                path.unlink()
        for path in sources:
            copy = self.target / path.name
            _write(copy, yaml.safe_dump(_sandboxed(_load(path), _salt(copy)), sort_keys=False))

    def _settings(self, plugins: Mapping[str, Mapping[str, Path]]) -> dict[str, Any]:
        """Give the project's settings with the paths that the copy needs."""
        settings = _load(self.source / "Pulumi.yaml")
        settings.pop("backend", None)
        settings.pop("stackConfigDir", None)
        settings["main"] = str(self._main(settings.get("main")))
        runtime = settings.get("runtime")
        name = runtime.get("name") if isinstance(runtime, dict) else runtime
        settings["runtime"] = {"name": name, "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
        for kind, folders in plugins.items():
            stated = settings.setdefault("plugins", {}).setdefault(kind, [])
            stated += [{"name": name, "path": str(folder)} for name, folder in folders.items()]
        return settings

    def _main(self, stated: str | None) -> Path:
        if stated is not None:
            return (self.source / stated).resolve()
        return self.source if (self.source / "__main__.py").exists() else self.program

    @staticmethod
    def _stack_files(folder: Path) -> list[Path]:
        return sorted(folder.glob("Pulumi.*.yaml"))


def _sandboxed(stack: dict[str, Any], salt: str | None) -> dict[str, Any]:
    """Give a stack's settings without its ties to a real account, and with the sandbox's own salt."""
    settings = {key: value for key, value in stack.items() if key not in _SECRETS_KEYS}
    config = settings.get("config") or {}
    settings["config"] = {key: value for key, value in config.items() if key not in _ACCOUNT_KEYS}
    return settings | ({_SALT: salt} if salt else {})


def _salt(copy: Path) -> str | None:
    """Give the salt of a copy; none where the copy is damaged, which is then made anew."""
    try:
        salt = _load(copy).get(_SALT)
    except SandboxError:
        return None
    return salt if isinstance(salt, str) else None


def _load(path: Path) -> dict[str, Any]:
    try:
        with path.open(errors="replace") as file:
            content = yaml.safe_load(file)
    except FileNotFoundError as error:
        raise SandboxError(f"{path} does not exist. Run the command on a project of Pulumi.") from error
    # A date that no calendar has is a ValueError.
    except (yaml.YAMLError, ValueError) as error:
        raise SandboxError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise SandboxError(f"{path} holds no settings: a mapping of keys to values is expected.")
    return content


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, and only when it differs."""
    if path.exists() and path.read_bytes() == text.encode():
        return
    part = path.with_suffix(".part")
    part.write_bytes(text.encode())
    part.replace(path)
