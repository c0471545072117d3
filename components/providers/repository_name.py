"""The name of a CodeCommit repository, and that it stays: the place where a preview can tell what a rename would do.

The AWS plugin renames a repository in place, and an update cannot give a resource another id: the state would keep the
old name, the next refresh would find nothing under it, and the repository would be lost to the stack.
"""

from typing import Any

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from components.providers.aws_access import AwsResourceProvider

_INPUTS = ("region", "repository", "retained")

_REFUSAL = (
    "the stack's repository is {old} in {old_region}, and {new} in {new_region} would be another one: its code and its "
    "pull requests stay in the old one. Set sm-mlops:source.repository to {old} to keep it; or move to the new one as "
    'docs/renaming.md tells under "The repository"'
)
_NOT_RETAINED = (
    "; before that set sm-mlops:protection.retain to true and run `pulumi up`: as the stack is now, the old one would "
    "be deleted"
)


class RepositoryNameProvider(AwsResourceProvider):
    """Makes nothing, and calls nothing; refuses another name and another region."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """The repository that the stack has is the one that it had."""
        old, new = ((inputs.get("region"), inputs.get("repository")) for inputs in (olds, news))
        if not olds or old == new:
            return CheckResult(news, [])
        reason = _REFUSAL.format(old=old[1], old_region=old[0], new=new[1], new_region=new[0])
        if not olds.get("retained"):
            reason += _NOT_RETAINED
        return CheckResult(news, [CheckFailure("repository", reason)])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """What is another repository does not come this far."""
        return DiffResult(changes=any(olds.get(key) != news.get(key) for key in _INPUTS), replaces=[], stables=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Remember the name."""
        return CreateResult("repository", {key: props[key] for key in _INPUTS})

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Remember the name."""
        return UpdateResult({key: news[key] for key in _INPUTS})


class RepositoryName(Resource, module="codecommit", name="RepositoryName"):
    """Name and region of a repository that stays.

    Args:
        name: the logical name.
        region: region of the repository.
        repository: its name.
        retained: whether a replacement leaves the repository in AWS.
        opts: options of the resource.
    """

    def __init__(
        self, name: str, *, region: str, repository: str, retained: bool, opts: pulumi.ResourceOptions
    ) -> None:
        inputs = {"region": region, "repository": repository, "retained": retained}
        super().__init__(RepositoryNameProvider(), name, inputs, opts)
