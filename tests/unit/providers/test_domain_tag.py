"""One tag of a domain that belongs to somebody else."""

from typing import Any

import pytest

from components.providers.aws_access import AwsError
from components.providers.domain_tag import DomainTagProvider
from tests.support.played_aws import Clients, Refused

KEY = "sagemaker:projectS3TemplatesLocation"
PROPS = {"region": "eu-west-1", "domainId": "d-1", "key": KEY, "value": "s3://ours/studio/"}


class SageMaker:
    """SageMaker with one domain that has a tag of somebody else's; one tag to a page."""

    def __init__(self, **tags: str) -> None:
        self.tags = {"owner": "research", **tags}
        self.calls: list[str] = []
        self.gone = False

    def DescribeDomain(self, *, DomainId: str) -> dict[str, str]:
        return {"DomainId": DomainId, "DomainArn": f"arn:aws:sagemaker:eu-west-1:111122223333:domain/{DomainId}"}

    def ListTags(self, *, ResourceArn: str, NextToken: str = "0") -> dict[str, Any]:
        if self.gone:
            raise Refused("ResourceNotFound")
        assert ResourceArn.endswith(":domain/d-1")
        start, listed = int(NextToken), list(self.tags.items())
        more = {"NextToken": str(start + 1)} if start + 1 < len(listed) else {}
        return {"Tags": [{"Key": key, "Value": value} for key, value in listed[start : start + 1]], **more}

    def AddTags(self, *, ResourceArn: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
        assert ResourceArn.endswith(":domain/d-1")
        self.tags |= {tag["Key"]: tag["Value"] for tag in Tags}
        return {}

    def DeleteTags(self, *, ResourceArn: str, TagKeys: list[str]) -> None:
        assert ResourceArn.endswith(":domain/d-1")
        for key in TagKeys:
            del self.tags[key]


class Provider(DomainTagProvider):
    """The provider with a domain of the test's own."""

    def __init__(self, sagemaker: SageMaker) -> None:
        self._clients = Clients(sagemaker)

    def client(self, service: str, region: str) -> Any:
        assert (service, region) == ("sagemaker", "eu-west-1")
        return self._clients.client(service, region)


def made(sagemaker: SageMaker) -> tuple[Provider, dict[str, Any]]:
    provider = Provider(sagemaker)
    outs = provider.create({**PROPS}).outs
    assert outs is not None
    return provider, outs


def test_the_tag_is_merged_in_and_leaves_alone() -> None:
    sagemaker = SageMaker()
    provider, outs = made(sagemaker)
    assert sagemaker.tags == {"owner": "research", KEY: "s3://ours/studio/"}
    provider.update("id", outs, {**PROPS, "value": "s3://new/studio/"})
    assert sagemaker.tags[KEY] == "s3://new/studio/"
    provider.delete("id", {**outs, "value": "s3://new/studio/"})
    assert sagemaker.tags == {"owner": "research"}


def test_a_tag_of_somebody_elses_is_never_overwritten_nor_removed() -> None:
    with pytest.raises(AwsError, match=r"with the value s3://theirs/\. A domain has one location of templates"):
        made(SageMaker(**{KEY: "s3://theirs/"}))
    sagemaker = SageMaker()
    provider, outs = made(sagemaker)
    sagemaker.tags[KEY] = "s3://theirs/"
    provider.delete("id", outs)
    assert sagemaker.tags[KEY] == "s3://theirs/"


def test_setting_it_again_is_no_fault() -> None:
    sagemaker = SageMaker(**{KEY: PROPS["value"]})
    made(sagemaker)
    assert sagemaker.tags[KEY] == PROPS["value"]


def test_drift_shows() -> None:
    sagemaker = SageMaker()
    provider, outs = made(sagemaker)
    assert provider.read("id", outs).outs == outs
    sagemaker.tags[KEY] = "s3://theirs/"
    drifted = provider.read("id", outs).outs
    assert drifted is not None
    assert provider.diff("id", drifted, PROPS).changes is True
    del sagemaker.tags[KEY]
    assert provider.read("id", outs).id == ""


def test_a_domain_that_is_gone_has_no_tag_and_nothing_to_remove() -> None:
    sagemaker = SageMaker()
    provider, outs = made(sagemaker)
    sagemaker.gone = True
    assert provider.read("id", outs).id == ""
    provider.delete("id", outs)
    assert "DeleteTags" not in sagemaker.calls


def test_another_domain_is_another_resource() -> None:
    provider, outs = made(SageMaker())
    assert provider.diff("id", outs, {**PROPS, "domainId": "d-2"}).replaces == ["domainId"]
    assert provider.diff("id", {**outs, "__provider": "x"}, PROPS).changes is False
