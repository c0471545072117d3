"""Files that people edit or an earlier step has written, read so that whatever is wrong with one is one sentence."""

import json
import tomllib
from pathlib import Path
from typing import Any

from model_deploy.errors import UserError


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UserError: it is no TOML, or no UTF-8 text; without the file's name, which the caller puts before.
        FileNotFoundError: there is none.

    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 text ({error.reason} at byte {error.start})") from error
    except RecursionError as error:
        raise UserError("not valid TOML: it is nested too deeply") from error
    except (OSError, ValueError) as error:
        raise UserError(f"not valid TOML: {error}") from error


def read_decision(path: Path) -> str:
    """Return the ARN of the package that the build has chosen.

    Raises:
        UserError: the file is missing or broken, or the build chose none.

    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"{path}: cannot be read: {error}. The build step writes it; release the change again."
        ) from error
    arn = found.get("package_arn") if isinstance(found, dict) else None
    if not isinstance(arn, str):
        raise UserError(f"{path}: names no model package. The build chose none; release the change again.")
    return arn


def read_parameters(path: Path) -> dict[str, str]:
    """Return the parameters that the build has written for a stage's stack.

    Raises:
        UserError: the file is missing or broken.

    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["Parameters"])
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UserError(
            f"{path}: cannot be read: {error}. The build step writes it; release the change again."
        ) from error
