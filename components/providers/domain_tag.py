"""One tag of a SageMaker domain that somebody else owns: it is merged in, and no other tag is touched."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from components.providers.aws_access import AwsError, AwsResourceProvider, explained

if TYPE_CHECKING:
    from types_boto3_sagemaker import SageMakerClient

_PLACE = ("region", "domainId", "key")


def domain_tags(client: "SageMakerClient", arn: str) -> dict[str, str]:
    """Tags of a domain."""
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


class DomainTagProvider(AwsResourceProvider):
    """Sets and removes the tag."""

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another domain or key is another resource."""
        replaces = [key for key in _PLACE if olds.get(key) != news.get(key)]
        changed = olds.get("value") != news.get("value")
        return DiffResult(changes=bool(replaces) or changed, replaces=replaces, stables=[])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Set the tag, unless it says something else already.

        Raises:
            AwsError: somebody else has set the tag to another value.
        """
        client = self.client("sagemaker", props["region"])
        with self._explained(props):
            arn = client.describe_domain(DomainId=props["domainId"])["DomainArn"]
            found = domain_tags(client, arn).get(props["key"])
            if found not in (None, props["value"]):
                raise AwsError(
                    f"domain {props['domainId']} in {props['region']} has the tag {props['key']} already, with the "
                    f"value {found}. A domain has one location of templates: remove that tag, or this domain from "
                    f"sm-mlops:catalog.studioDomains."
                )
            client.add_tags(ResourceArn=arn, Tags=[{"Key": props["key"], "Value": props["value"]}])
        return CreateResult(f"{props['domainId']}/{props['key']}", {**_own(props), "domainArn": arn})

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Give the tag its new value."""
        with self._explained(news):
            self.client("sagemaker", news["region"]).add_tags(
                ResourceArn=olds["domainArn"], Tags=[{"Key": news["key"], "Value": news["value"]}]
            )
        return UpdateResult({**_own(news), "domainArn": olds["domainArn"]})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Tell what the domain says; without the tag, or without the domain, there is nothing."""
        client = self.client("sagemaker", props["region"])
        with self._explained(props):
            try:
                value = domain_tags(client, props["domainArn"]).get(props["key"])
            except client.exceptions.ResourceNotFound:
                value = None
        return ReadResult("", {}) if value is None else ReadResult(id_, {**props, "value": value})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Remove the tag while it says what this stack made it say."""
        client = self.client("sagemaker", props["region"])
        with self._explained(props):
            try:
                if domain_tags(client, props["domainArn"]).get(props["key"]) == props["value"]:
                    client.delete_tags(ResourceArn=props["domainArn"], TagKeys=[props["key"]])
            except client.exceptions.ResourceNotFound:
                return

    @staticmethod
    def _explained(props: dict[str, Any]) -> AbstractContextManager[None]:
        return explained(f"tag {props['key']} of domain {props['domainId']}", "sagemaker", props["region"])


def _own(props: dict[str, Any]) -> dict[str, Any]:
    return {key: props[key] for key in (*_PLACE, "value")}


class DomainTag(Resource, module="sagemaker", name="DomainTag"):
    """A tag of a domain."""

    def __init__(
        self,
        name: str,
        *,
        region: str,
        domain_id: str,
        key: str,
        value: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {"region": region, "domainId": domain_id, "key": key, "value": value, "domainArn": None}
        super().__init__(DomainTagProvider(), name, props, opts)
