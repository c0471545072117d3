"""Which model package this run deploys, and whether it deploys at all.

Whether a person is asked before prod is not for this repository to say: a function of the project settles that.
"""

from dataclasses import dataclass

from model_deploy.deployed import Deployed
from model_deploy.environment import NEWEST
from model_deploy.errors import UserError
from model_deploy.registry import APPROVED, Package, Registry


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the stages after the build do."""

    package: Package | None
    """The package to deploy; None skips every later stage, and the run ends green."""
    reason: str
    """One sentence for the log."""


def decide(
    *,
    trigger: str,
    requested: str,
    registry: Registry,
    live: Deployed | None,
) -> Decision:
    """Choose the package of this run.

    trigger is `push`, `approved` or `rejected`; requested is the package of the event, or `newest`; live is what
    prod runs now.

    Raises:
        UserError: the package is unknown, or the live version was rejected and nothing can replace it.

    """
    if trigger == "rejected":
        return _roll_back(requested, registry, live)
    if requested == NEWEST:
        return _newest(registry, live)
    package = registry.package(requested)
    if package.approval != APPROVED:
        return _nothing(f"Version {package.version} of {registry.group_name} is {package.approval} by now.")
    return Decision(package=package, reason=f"Version {package.version} was approved.")


def _newest(registry: Registry, live: Deployed | None) -> Decision:
    """Take the newest approved version: a push may be what it takes to deploy it. That prod moves with it is said."""
    approved = registry.approved()
    if not approved:
        return _nothing(
            f"Model package group {registry.group_name} has no Approved version yet. Approve one in the model "
            "registry and this pipeline starts by itself. (If your model is in another group, set the project's "
            "parameter ModelBuildProjectName.)"
        )
    newest = approved[0]
    reason = f"The repository changed; version {newest.version} is the newest Approved one."
    if live is not None and live.package_arn not in ("", newest.arn):
        before = live.package_arn.rpartition("/")[2]
        reason += f" Prod runs version {before}, so this moves it to another version as well."
    return Decision(package=newest, reason=reason)


def _roll_back(requested: str, registry: Registry, live: Deployed | None) -> Decision:
    if requested == NEWEST:
        raise UserError("TRIGGER is 'rejected', so MODEL_PACKAGE_ARN must be the ARN of the rejected package.")
    rejected = registry.package(requested)
    if rejected.approval == APPROVED:
        return _nothing(f"Version {rejected.version} of {registry.group_name} is Approved again.")
    # When some account of a stack set lags behind, what prod runs is not certain: going back is the safe answer.
    if live is None or (live.package_arn != rejected.arn and live.certain):
        return _nothing(f"Version {rejected.version} was rejected, but prod does not run it.")
    approved = registry.approved()
    older = [package for package in approved if package.version < rejected.version]
    if not approved:
        raise UserError(
            f"Prod runs version {rejected.version} of {registry.group_name}, which was rejected, and no Approved "
            "version is left to go back to. The endpoint still serves the rejected version. Approve another version, "
            "or delete the prod stack to stop it."
        )
    package = older[0] if older else approved[0]
    return Decision(
        package=package,
        reason=f"Version {rejected.version}, which prod runs, was rejected; version {package.version} replaces it.",
    )


def _nothing(reason: str) -> Decision:
    return Decision(package=None, reason=f"{reason} Nothing is deployed.")
