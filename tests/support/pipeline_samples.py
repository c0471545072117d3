"""Pipelines for tests: one that AWS would take, to be spoilt in one place."""

from collections.abc import Mapping
from types import MappingProxyType

import pulumi

from awsmodel.regions import known_regions
from components.core.environment import Environment, Protection
from components.core.naming import Names
from components.core.network import Network
from components.delivery.actions.approval import Approval
from components.delivery.actions.build import Build, BuildDefinition
from components.delivery.actions.source import Source, SourceProvider
from components.delivery.pipeline import Stage
from components.storage.artifact_buckets import ArtifactStore

ACCOUNT = "111122223333"
REPOSITORY = f"arn:aws:codecommit:us-east-2:{ACCOUNT}:acme"
CONNECTION = f"arn:aws:codeconnections:us-east-2:{ACCOUNT}:connection/4c2f"
CHECK = BuildDefinition(name="check", buildspec="check.yml", variables={"STACK": "dev"}, reports=True)
UP = BuildDefinition(name="up", buildspec="up.yml")


def codecommit() -> Source:
    """Source in CodeCommit."""
    return Source(kind=SourceProvider.CODECOMMIT, repository="acme", arn=REPOSITORY, branch="main")


def connection() -> Source:
    """Source at a Git provider."""
    return Source(kind=SourceProvider.CONNECTION, repository="acme/platform", arn=CONNECTION, branch="main")


def stages(source: Source | None = None) -> tuple[Stage, ...]:
    """Source, check, and a delivery that a person approves."""
    return (
        Stage(name="Source", actions=(source or codecommit(),)),
        Stage(name="Check", actions=(Build(name="Check", build=CHECK, namespace="Check"),)),
        Stage(
            name="Deliver",
            actions=(
                Approval(name="Approve", text="Deliver #{Check.Summary}?"),
                Build(name="Up", build=UP, run_order=2, variables={"STACK": "dev"}),
            ),
        ),
    )


def environment(networks: Mapping[str, Network] = MappingProxyType({})) -> Environment:
    """An environment in us-east-2."""
    return Environment(
        names=Names("acme", "dev"),
        home=known_regions()["us-east-2"],
        account_id=pulumi.Output.from_input(ACCOUNT),
        protection=Protection(protect=False, retain=False, key_deletion_days=7),
        tags={"owner": "acme"},
        networks=networks,
    )


def store(region: str) -> ArtifactStore:
    """Artifact store of a region."""
    bucket = f"acme-dev-artifacts-{region}"
    return ArtifactStore(
        pulumi.Output.from_input(bucket),
        pulumi.Output.from_input(f"arn:aws:s3:::{bucket}"),
        pulumi.Output.from_input(f"arn:aws:kms:{region}:{ACCOUNT}:key/1"),
    )
