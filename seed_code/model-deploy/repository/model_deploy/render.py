"""Writes the files that the pipeline's deploy actions read, for exactly one model package."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_deploy.decision import Decision
from model_deploy.deployed import BLOCKED, Deployed
from model_deploy.environment import Environment
from model_deploy.errors import UserError
from model_deploy.instances import takes_volume_key
from model_deploy.monitoring import OFF, Monitoring
from model_deploy.stage_config import StageConfig


def parameters(
    environment: Environment, stage: str, config: StageConfig, package_arn: str, monitoring: Monitoring = OFF
) -> dict[str, str]:
    """All parameters of endpoint.yaml for one stage."""
    inherited = {} if environment.other_accounts(stage) else _own(environment, stage)
    configured = {name: text or inherited.get(name, "") for name, text in config.parameters().items()}
    if environment.other_accounts(stage) and not configured["ModelRoleName"]:
        configured["ModelRoleName"] = environment.target_model_role
    kind = str(config["instances.type"])
    return {
        **configured,
        **monitoring.parameters,
        "VolumeKmsKeyArn": configured["KmsKeyArn"] if takes_volume_key(kind) else "",
        "AlarmTopicArn": "" if environment.other_accounts(stage) else environment.topic_arn,
        "EndpointName": environment.endpoint_name(stage),
        "EnvironmentName": environment.environment,
        "ModelPackageArn": package_arn,
        "PlatformName": environment.platform,
        "SageMakerProjectId": environment.project_id,
        "SageMakerProjectName": environment.project_name,
        "StageName": stage,
    }


def check(environment: Environment, stages: Mapping[str, StageConfig], running: Mapping[str, Deployed | None]) -> None:
    """Find what would make a deployment fail half an hour later.

    Raises:
        UserError: lists every obstacle.

    """
    faults = [
        fault
        for stage, config in stages.items()
        for fault in (*_account_faults(environment, stage, config), *_update_faults(stage, config, running[stage]))
    ]
    live = running["prod"]
    if live is not None and live.status in BLOCKED:
        faults.append(f"prod: stack {environment.stack_name('prod')} is {live.status}: {BLOCKED[live.status]}")
    if faults:
        raise UserError("This cannot be deployed as it is:\n  " + "\n  ".join(faults))


def write(
    folder: Path,
    environment: Environment,
    decision: Decision,
    stages: Mapping[str, StageConfig],
    monitoring: Mapping[str, Monitoring],
) -> None:
    """Write the parameter files and the decision to the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    package = decision.package
    _json(
        folder / "decision.json",
        {"package_arn": package.arn if package else None, "reason": decision.reason},
    )
    if package is None:
        return
    for stage, config in stages.items():
        values = parameters(environment, stage, config, package.arn, monitoring[stage])
        _json(folder / f"{stage}-stack.json", {"Parameters": values, "Tags": environment.tags})
        _json(
            folder / f"{stage}-stackset.json",
            [{"ParameterKey": name, "ParameterValue": value} for name, value in sorted(values.items())],
        )


def _own(environment: Environment, stage: str) -> dict[str, str]:
    """What a stage in the project's own account takes from the project."""
    return {
        "DataCaptureUri": f"s3://{environment.artifact_bucket}/data-capture/{stage}",
        "KmsKeyArn": environment.kms_key_arn,
        "ModelRoleName": environment.role_arn.partition(":role/")[2],
        "SecurityGroupIds": ",".join(environment.security_group_ids),
        "SubnetIds": ",".join(environment.subnet_ids),
    }


def _account_faults(environment: Environment, stage: str, config: StageConfig) -> list[str]:
    others = environment.other_accounts(stage)
    if not others:
        return []
    where = f"{stage}: account {', '.join(others)} is not this project's own, so"
    faults = []
    if not config["target.model_role_name"] and not environment.target_model_role:
        faults.append(
            f"{where} config/{stage}.toml needs target.model_role_name (or the project's parameter TargetModelRoleName)"
        )
    if not environment.target_test_role:
        faults.append(f"{where} the project's parameter TargetTestRoleName must name the role that the test assumes")
    if config["data_capture.percent"] and not config["data_capture.s3_uri"]:
        faults.append(f"{where} config/{stage}.toml needs data_capture.s3_uri, a bucket that the account may write to")
    return faults


def _update_faults(stage: str, config: StageConfig, running: Deployed | None) -> list[str]:
    """SageMaker refuses a new instance type while the variant is a scalable target."""
    if running is None:
        return []
    scaled = running.parameters.get("MaxInstanceCount", "0") != "0"
    before, after = running.parameters.get("InstanceType", ""), config["instances.type"]
    if scaled and before != after:
        return [
            f"{stage}: instances.type changes from {before} to {after} while auto scaling is on, which SageMaker "
            f"refuses. First set autoscaling.max_instances = 0 with instances.type = '{before}' and push; when that is "
            "deployed, change the type."
        ]
    return []


def _json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
