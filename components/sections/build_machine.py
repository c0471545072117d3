"""What builds run on: CodeBuild's environment types, images and sizes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class MachineType(StrEnum):
    """CodeBuild's environment types that builds of the platform can use: Linux, on either processor."""

    X86 = "LINUX_CONTAINER"
    ARM = "ARM_CONTAINER"


IMAGES: Mapping[MachineType, str] = MappingProxyType(
    {
        MachineType.X86: "aws/codebuild/amazonlinux-x86_64-standard:6.0",
        MachineType.ARM: "aws/codebuild/amazonlinux-aarch64-standard:4.0",
    }
)
"""AWS's own images of each type that have Python 3.13 and are still maintained."""

_SIZES = tuple(f"BUILD_GENERAL1_{size}" for size in ("SMALL", "MEDIUM", "LARGE", "XLARGE", "2XLARGE"))

TIMEOUT_MINUTES = range(5, 2161)
"""What AWS takes as a build's time limit."""

LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""The retentions, in days, that CloudWatch Logs takes."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What builds run on."""

    type: MachineType = MachineType.X86
    """Container, and its processor."""
    compute_type: str | None = None
    """Size: `BUILD_GENERAL1_SMALL` to `BUILD_GENERAL1_2XLARGE`; left out, the smallest."""
    image: str | None = None
    """Container image; left out, AWS's own for the type."""
    timeout_minutes: int = 60
    """When a build is stopped: 5 to 2160 minutes."""

    @property
    def size(self) -> str:
        """The compute type."""
        return self.compute_type or _SIZES[0]

    def faults(self) -> Iterator[str]:
        """Tell what AWS would refuse."""
        if self.size not in _SIZES:
            yield f"compute type {self.size!r} is not one of {self.type}: {', '.join(_SIZES)}"
        if self.timeout_minutes not in TIMEOUT_MINUTES:
            yield f"a time limit of {self.timeout_minutes} minutes is not between 5 and 2160"
