"""What the stack should have in AWS, region by region, and whether it is there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from awsmodel.regions import known_regions
from components.sections.source import CodeCommitSource
from tools.doctor.account import Account, StackRegion
from tools.doctor.checks.source import found_connection
from tools.report.asking import asked, each
from tools.report.links import Console
from tools.report.model import Known, NotKnown, Part

_GONE = ("404", "NoSuchBucket", "NoSuchEntity", "NotFound", "DoesNotExist")
"""What codes of errors hold that mean that a thing is not there."""


def regions(account: Account) -> list[str]:
    """Every region of a stack, the home region first."""
    wanted = account.wanted
    named = (account.home.name, *wanted.artifacts.regions, *account.catalog_regions)
    return list(dict.fromkeys((*named, *(wanted.project_regions if wanted.projects else ()))))


def parts(account: Account) -> list[Part]:
    """Tell what the stack has, and what is missing."""
    looks = [partial(_in_region, account, name) for name in regions(account)]
    return [*_at_home(account), *(part for found in each(lambda look: look(), looks) for part in found)]


def _there(account: Account, look: Callable[[], object]) -> Known[bool]:
    """Whether a look finds something; AWS says in many words that it is not there."""

    def looked() -> bool:
        try:
            return bool(look())
        except ClientError as error:
            if any(word in error.response["Error"]["Code"] for word in _GONE):
                return False
            raise

    return asked(account, looked)


def _at_home(account: Account) -> Iterator[Part]:
    console, home, names = Console(account.home), account.home.name, account.names
    source = account.wanted.source
    if isinstance(source, CodeCommitSource):
        name = source.repository or names.repository.value
        there = _there(account, lambda: account.client("codecommit").get_repository(repositoryName=name))
        yield Part(kind="Repository", name=name, region=home, there=there, link=console.repository(name))
    else:
        there = _there(account, partial(found_connection, account, source))
        yield Part(
            kind="Connection",
            name=source.connection_arn or names.connection.value,
            region=home,
            there=there,
            link=console.connections(),
            detail=f"{source.provider}: {source.repository}",
            independent=source.connection_arn is not None,
        )
    arn = account.role_facts.topic_arn
    there = _there(account, lambda: account.client("sns").get_topic_attributes(TopicArn=arn))
    yield Part(kind="Topic", name=names.topic.value, region=home, there=there, link=console.topic(arn))
    if account.wanted.catalog is not None:
        name = account.role_facts.launch_role_arn.rpartition("/")[2]
        there = _there(account, partial(account.client("iam").get_role, RoleName=name))
        link = console.role(name)
        # People may have supplied it, and AWS's console makes one of the same name.
        yield Part(kind="Launch role", name=name, region=home, there=there, link=link, independent=True)
    if account.wanted.delivery is not None:
        drift = (names.drift_pipeline,) if account.wanted.delivery.drift_schedule else ()
        for pipeline in (names.delivery_pipeline, *drift):
            there = _there(account, partial(account.client("codepipeline").get_pipeline, name=pipeline.value))
            link = console.pipeline(pipeline.value)
            yield Part(kind="Pipeline", name=pipeline.value, region=home, there=there, link=link)


def _in_region(account: Account, name: str) -> list[Part]:
    found, console = [], Console(known_regions()[name])
    if name in account.wanted.artifacts.regions:
        bucket = names_of_bucket(account, name)
        found.append(_bucket(account, "Artifact bucket", bucket, name))
    found += _keys(account, name)
    if name in account.catalog_regions:
        region = StackRegion(account, known_regions()[name])
        found.append(_bucket(account, "Distribution bucket", region.bucket, name))
        if account.catalog.service_catalog:
            portfolio = asked(account, lambda: region.found_portfolio)
            found.append(_portfolio(account, portfolio, name))
    if account.wanted.projects is not None and name in account.wanted.project_regions:
        region = StackRegion(account, known_regions()[name])
        there = _there(account, lambda: region.projects_status == "Enabled")
        found.append(
            Part(
                kind="SageMaker Projects",
                name="switched on",
                region=name,
                there=there,
                link=console.models(),
                # It is a switch of the account.
                independent=True,
            )
        )
    return found


def names_of_bucket(account: Account, region: str) -> str:
    """Return the name of a region's artifact bucket."""
    return account.names.artifact_bucket(account.wanted.artifacts.naming, account.id, region).value


def _bucket(account: Account, kind: str, bucket: str, region: str) -> Part:
    there = _there(account, lambda: account.client("s3", region).head_bucket(Bucket=bucket))
    link = Console(known_regions()[region]).bucket(bucket)
    return Part(kind=kind, name=bucket, region=region, there=there, link=link)


def _portfolio(account: Account, found: Known[Mapping[str, Any] | None], region: str) -> Part:
    console, name = Console(known_regions()[region]), account.names.portfolio.value
    if isinstance(found, NotKnown) or found is None:
        there: Known[bool] = found if isinstance(found, NotKnown) else False
        return Part(kind="Portfolio", name=name, region=region, there=there, link="")
    return Part(kind="Portfolio", name=name, region=region, there=True, link=console.portfolio(found["Id"]))


def _keys(account: Account, region: str) -> Sequence[Part]:
    """Customer keys that the region has; which ones it should have, the aliases of no setting tell."""
    start = account.names.key_alias("").value
    console = Console(known_regions()[region])

    def look() -> list[Part]:
        pages = account.client("kms", region).get_paginator("list_aliases").paginate()
        aliases = [one for page in pages for one in page["Aliases"] if one["AliasName"].startswith(start)]
        return [
            Part(
                kind="Customer key",
                name=alias["AliasName"],
                region=region,
                there="TargetKeyId" in alias,
                link=console.key(alias.get("TargetKeyId", "")),
            )
            for alias in sorted(aliases, key=lambda one: str(one["AliasName"]))
        ]

    found = asked(account, look)
    if isinstance(found, NotKnown):
        return [Part(kind="Customer key", name=f"{start}*", region=region, there=found, link="")]
    return found
