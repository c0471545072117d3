"""A stack's file as the tools read it: the settings, and how AWS is reached."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import yaml

import settings
from awsmodel.cloudformation.yaml_nodes import LOADER
from components.providers.aws_access import AwsAccess
from tools.faults import ToolError

PROJECT = Path(__file__).resolve().parents[1]
"""The folder of the program and its stack files."""


@dataclass(frozen=True)
class StackFile:
    """`Pulumi.<stack>.yaml`, read without an engine.

    Raises:
        ToolError: there is no such file, it cannot be read, or it is not YAML.
        SettingsError: it has faults.
    """

    stack: str
    folder: Path = PROJECT

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"Pulumi.{self.stack}.yaml"

    @cached_property
    def values(self) -> dict[str, Any]:
        """Its configuration, by full key."""
        try:
            # As bytes: what decodes a text piece by piece tells the place in the piece.
            with self.path.open("rb") as file:
                loaded = yaml.load(file, Loader=LOADER)  # noqa: S506 - it is a safe one
        except FileNotFoundError:
            known = ", ".join(stacks(self.folder)) or "none"
            raise ToolError(f"there is no {self.path.name} in {self.folder}; its stacks: {known}") from None
        # A date that no calendar has is a ValueError.
        except (yaml.YAMLError, ValueError) as error:
            raise ToolError(f"{self.path} is not YAML: {' '.join(str(error).split())}") from error
        except OSError as error:
            raise ToolError(f"{self.path} cannot be read: {error.strerror}") from error
        config = loaded.get("config") if isinstance(loaded, dict) else None
        if not isinstance(config, dict):
            raise ToolError(f"{self.path} has no section `config`")
        return {str(key): _plain(value) for key, value in config.items()}

    @cached_property
    def settings(self) -> settings.Settings:
        """Its settings, checked, whatever is wrong with the folders of its products: a tool tells that by itself."""
        return _parsed(self, products=False)

    def check(self) -> None:
        """See to it that a deployment would take it, its products included."""
        _parsed(self, products=True)

    @cached_property
    def access(self) -> AwsAccess:
        """AWS as the stack's `aws:` configuration reaches it.

        Credentials that the file keeps encrypted stay so: those of the environment or of a profile are used then.
        """
        aws = {key.removeprefix("aws:"): value for key, value in self.values.items() if key.startswith("aws:")}
        return AwsAccess({key: value for key, value in aws.items() if value != settings.SECRET})


def _parsed(file: StackFile, *, products: bool) -> settings.Settings:
    own = {
        key: value
        for key, value in file.values.items()
        if key == "aws:region" or key.startswith(f"{settings.NAMESPACE}:")
    }
    return settings.parse(own, file.stack, products=products)


def stacks(folder: Path) -> list[str]:
    """Return the stacks that have a file in a folder."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))


def _plain(value: object) -> object:
    return settings.SECRET if isinstance(value, dict) and set(value) == {"secure"} else value


def stack_options(function: Any) -> Any:  # noqa: ANN401 - click decorates functions of every signature
    """Give a command `--stack` and `--folder`."""
    folder = click.option(
        "--folder",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=PROJECT,
        envvar="SM_MLOPS_STACK_FILES",
        help="Folder of the stack files; by default $SM_MLOPS_STACK_FILES, else this program's.",
    )
    return click.option("--stack", "-s", required=True, help="Stack whose file says what is meant.")(folder(function))
