"""The stack that a test brings up: its file, its life, and what AWS holds of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

import settings
from components.sections.deployment_tests import DeploymentOption
from settings.deployment_options import settings_under_test, stack_name
from tools.deployment_test.engine import Engine
from tools.faults import ToolError
from tools.stack_file import StackFile

_CREDENTIALS = ("aws:accessKey", "aws:secretKey", "aws:token")
"""What a stack file may keep encrypted for its own stack; nobody else can read it."""


@dataclass(frozen=True)
class StackUnderTest:
    """One option of one stack, in one test.

    Raises:
        ToolError: the stack has no such option.
        SettingsError: the stack file has faults.
    """

    of: StackFile
    """File of the stack that tests."""
    option_name: str
    suffix: str
    """Makes this test's names its own."""

    @cached_property
    def option(self) -> DeploymentOption:
        """The option, as the settings describe it."""
        tests = self.of.settings.deployment_tests
        options = {option.name: option for option in tests.options} if tests else {}
        if self.option_name not in options:
            raise ToolError(
                f"{self.of.path.name} has no deployment option {self.option_name!r} (its options: "
                f"{', '.join(options) or 'none'}); docs/deployment-tests.md tells how to add one"
            )
        return options[self.option_name]

    @property
    def name(self) -> str:
        """Name of the stack."""
        return stack_name(self.option_name, self.suffix)

    @property
    def file(self) -> StackFile:
        """Its file, once it is written."""
        return StackFile(self.name, self.of.folder)

    @property
    def settings(self) -> settings.Settings:
        """Its settings, for which it needs no file."""
        own = {"aws:region": self.option.region}
        prefix = f"{settings.NAMESPACE}:"
        own |= {key: value for key, value in self.values(None).items() if key.startswith(prefix)}
        return settings.parse(own, self.name)

    def values(self, launching: str | None) -> dict[str, Any]:
        """Its configuration, by full key.

        Args:
            launching: ARN of the role that will create projects in the test, beside those that the settings name.
        """
        changed = settings_under_test(
            settings.own_sections(self.of.values),
            region=self.option.region,
            changes=self.option.settings,
            test_suffix=self.suffix,
        )
        if launching and changed.get("catalog", {}).get("serviceCatalog", True) and "catalog" in changed:
            named = changed["catalog"].get("principals", [])
            changed["catalog"] = {**changed["catalog"], "principals": list(dict.fromkeys([*named, launching]))}
        others = {
            key: value
            for key, value in self.of.values.items()
            if not key.startswith(f"{settings.NAMESPACE}:") and key not in _CREDENTIALS
        }
        own = {f"{settings.NAMESPACE}:{key}": value for key, value in changed.items()}
        return {**others, "aws:region": self.option.region, **own}

    def write(self, launching: str | None) -> None:
        """Write its file, unless one is there already."""
        if not self.file.path.exists():
            kept = {key: value for key, value in self._kept().items() if value}
            text = yaml.safe_dump({**kept, "config": self.values(launching)}, sort_keys=False)
            part = self.file.path.with_suffix(".part")
            part.write_text(text, encoding="utf-8")
            part.replace(self.file.path)

    def _kept(self) -> Mapping[str, Any]:
        """Tell how secrets are kept: as the settings say, or as those of the testing stack; the key is made anew."""
        tests = self.of.settings.deployment_tests
        loaded = yaml.safe_load(self.of.path.read_text(encoding="utf-8"))
        return {"secretsprovider": (tests.secrets_provider if tests else None) or loaded.get("secretsprovider")}

    def up(self, engine: Engine) -> None:
        """Bring the stack up."""
        if self.name not in engine.stacks():
            provider = self._kept()["secretsprovider"]
            engine.run("stack", "init", self.name, *(["--secrets-provider", provider] if provider else []))
        engine.run("up", "--stack", self.name, "--yes", "--skip-preview")

    def destroy(self, engine: Engine) -> None:
        """Destroy the stack and forget it; what is gone already is no error."""
        if self.name in engine.stacks():
            engine.run("destroy", "--stack", self.name, "--yes", "--skip-preview", "--remove")
        self.file.path.unlink(missing_ok=True)
