"""The stage configuration files: config/staging.toml and config/prod.toml."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_deploy.errors import UserError
from model_deploy.files import read_toml

Value = int | float | str | list[str]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One key of a stage file and the parameter of endpoint.yaml that it sets."""

    key: str
    parameter: str
    """Empty for what is told to the monitoring job (see monitoring.py)."""
    default: Value
    allowed: str
    """What the value may be, in words; part of the error message."""
    accepts: Callable[[Value], bool]
    text: Callable[[Any], str] = str
    """The parameter's text for the value."""
    inherits: bool = False
    """An empty value takes the project's own (see render.py)."""


def _whole(low: int, high: int, *, or_zero: bool = False) -> Callable[[Value], bool]:
    def accepts(value: Value) -> bool:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return is_whole and (low <= value <= high or (or_zero and value == 0))

    return accepts


def _number(low: float, high: float) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _matches(pattern: str) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _list_of(prefix: str) -> Callable[[Value], bool]:
    element = _matches(rf"{prefix}-[0-9a-f]+|\{{\{{resolve:ssm:/?[\w./-]+(:\d+)?\}}\}}")
    return lambda value: isinstance(value, list) and len(value) <= 16 and all(element(item) for item in value)


_STRATEGIES = {"all-at-once": "ALL_AT_ONCE", "canary": "CANARY", "linear": "LINEAR"}


def _one_of(choices: Mapping[str, str]) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, str) and value in choices


def _integer(  # noqa: PLR0913 - one row of the table below
    key: str, parameter: str, default: int, low: int, high: int, *, zero: str = "", text: Callable[[Any], str] = str
) -> Setting:
    allowed = f"a whole number from {low} to {high}" + (f", or 0 for {zero}" if zero else "")
    accepts = _whole(low, high, or_zero=bool(zero))
    return Setting(key=key, parameter=parameter, default=default, allowed=allowed, accepts=accepts, text=text)


SETTINGS: tuple[Setting, ...] = (
    Setting(
        key="instances.type",
        parameter="InstanceType",
        default="ml.m5.large",
        allowed="an instance type for endpoints, such as 'ml.m5.large'",
        accepts=_matches(r"ml\.[a-z0-9-]+\.[a-z0-9-]+"),
    ),
    _integer("instances.count", "InstanceCount", 1, 1, 100),
    _integer("autoscaling.max_instances", "MaxInstanceCount", 0, 1, 1000, zero="no auto scaling"),
    _integer("autoscaling.invocations_per_instance", "InvocationsPerInstance", 1000, 1, 1_000_000),
    Setting(
        key="update.strategy",
        parameter="UpdateStrategy",
        default="all-at-once",
        allowed="one of " + ", ".join(f"'{name}'" for name in _STRATEGIES),
        accepts=_one_of(_STRATEGIES),
        text=_STRATEGIES.__getitem__,
    ),
    _integer("update.step_percent", "UpdateStepPercent", 25, 10, 50),
    _integer("update.wait_seconds", "UpdateWaitSeconds", 300, 0, 3600),
    _integer("alarms.errors_per_minute", "ErrorAlarmThreshold", 5, 1, 1_000_000, zero="no alarm"),
    _integer("alarms.client_errors_percent", "ClientErrorAlarmPercent", 50, 1, 100, zero="no alarm"),
    # CloudWatch has the latency of a model in microseconds.
    _integer(
        "alarms.latency_ms",
        "LatencyAlarmMicroseconds",
        1000,
        1,
        60_000,
        zero="no alarm",
        text=lambda milliseconds: str(milliseconds * 1000),
    ),
    _integer("data_capture.percent", "DataCapturePercent", 0, 1, 100, zero="no capture"),
    Setting(
        key="data_capture.s3_uri",
        parameter="DataCaptureUri",
        default="",
        allowed="an address such as 's3://bucket/prefix', or '' for the project's artifact bucket",
        accepts=_matches(r"|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s]*)?"),
        inherits=True,
    ),
    _integer("monitoring.hours", "", 24, 1, 24 * 31),
    _integer("monitoring.least_rows", "", 500, 100, 1_000_000),
    Setting(
        key="monitoring.stability_index",
        parameter="",
        default=0.25,
        allowed="a number from 0.05 to 10",
        accepts=_number(0.05, 10),
    ),
    Setting(
        key="target.model_role_name",
        parameter="ModelRoleName",
        default="",
        allowed="the name of a role, with its path and without its ARN, or '' for the project's own",
        accepts=_matches(r"|([\w+=,.@-]+/)*[\w+=,.@-]{1,64}"),
        inherits=True,
    ),
    Setting(
        key="target.kms_key_arn",
        parameter="KmsKeyArn",
        default="",
        allowed="the ARN of a KMS key, or '' for the project's own",
        accepts=_matches(r"|arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[\w-]+"),
        inherits=True,
    ),
    Setting(
        key="target.subnet_ids",
        parameter="SubnetIds",
        default=[],
        allowed="a list of at most 16 'subnet-...' or '{{resolve:ssm:name}}', or [] for the project's own",
        accepts=_list_of("subnet"),
        text=",".join,
        inherits=True,
    ),
    Setting(
        key="target.security_group_ids",
        parameter="SecurityGroupIds",
        default=[],
        allowed="a list of at most 16 'sg-...' or '{{resolve:ssm:name}}', or [] for the project's own",
        accepts=_list_of("sg"),
        text=",".join,
        inherits=True,
    ),
)
_BY_KEY = {setting.key: setting for setting in SETTINGS}


@dataclass(frozen=True)
class StageConfig:
    """A stage file whose every value is allowed."""

    values: Mapping[str, Value]
    """Value by key; defaults filled in."""

    def __getitem__(self, key: str) -> Value:
        return self.values[key]

    def parameters(self) -> dict[str, str]:
        """Parameters of endpoint.yaml that this file sets, as text."""
        return {setting.parameter: setting.text(self.values[setting.key]) for setting in SETTINGS if setting.parameter}


def load_stages(files: Mapping[str, Path]) -> dict[str, StageConfig]:
    """Read and check the file of each stage.

    Raises:
        UserError: lists every fault of every file.

    """
    faults: list[str] = []
    stages = {stage: _load(path, faults) for stage, path in files.items()}
    if faults:
        raise UserError("The stage configuration has faults; correct them and push again:\n  " + "\n  ".join(faults))
    return stages


def _load(path: Path, faults: list[str]) -> StageConfig:
    name = f"{path.parent.name}/{path.name}"
    values: dict[str, Value] = {setting.key: setting.default for setting in SETTINGS}
    try:
        given = _flatten(read_toml(path))
    except FileNotFoundError:
        faults.append(f"{name}: the file is missing")
        return StageConfig(values)
    except UserError as error:
        faults.append(f"{name}: {error}")
        return StageConfig(values)
    before = len(faults)
    for key, value in given.items():
        setting = _BY_KEY.get(key)
        if setting is None:
            near = difflib.get_close_matches(key, _BY_KEY, n=1)
            faults.append(f"{name}: {key} is not a setting" + (f"; did you mean {near[0]}?" if near else ""))
        elif not setting.accepts(value):
            faults.append(f"{name}: {key} is {value!r}; allowed: {setting.allowed}")
        else:
            values[key] = value
    stage = StageConfig(values)
    if len(faults) == before:
        faults.extend(f"{name}: {fault}" for fault in _contradictions(stage))
    return stage


def _flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        # No setting lies deeper than in one table; what does is told as it stands.
        if isinstance(value, dict) and prefix.count(".") < 2:
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _contradictions(stage: StageConfig) -> list[str]:
    """Values that are fine alone and refused by SageMaker together."""
    count, maximum, kind = stage["instances.count"], stage["autoscaling.max_instances"], stage["instances.type"]
    strategy = stage["update.strategy"]
    subnets, groups = stage["target.subnet_ids"], stage["target.security_group_ids"]
    rules = (
        (
            0 < maximum < count,
            f"autoscaling.max_instances is {maximum}, less than instances.count, {count}; use 0 or at least {count}",
        ),
        (
            maximum > 0 and str(kind).startswith("ml.t2."),
            f"autoscaling.max_instances is {maximum}, but burstable instances ({kind}) cannot scale; use 0 or "
            "another instance type",
        ),
        (
            strategy != "all-at-once" and count < 2,
            f"update.strategy is '{strategy}', which moves traffic in steps of at most half the instances; it needs "
            "instances.count of 2 or more, or 'all-at-once'",
        ),
        (
            bool(subnets) != bool(groups),
            "target.subnet_ids and target.security_group_ids belong together; give both or neither",
        ),
    )
    return [message for broken, message in rules if broken]
