"""Addresses of things in AWS's console."""

from dataclasses import dataclass
from urllib.parse import quote

from awsmodel.regions import Region

_DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""By partition, where the console is; of the others, which the public cannot reach, none is known."""


@dataclass(frozen=True)
class Console:
    """The console in a region. Every address is empty in a partition whose console is not known."""

    region: Region

    def _at(self, path: str, fragment: str = "") -> str:
        domain = _DOMAINS.get(self.region.partition)
        if domain is None:
            return ""
        place, hash_ = self.region.name, f"#{fragment}" if fragment else ""
        return f"https://{place}.{domain}/{path}{'&' if '?' in path else '?'}region={place}{hash_}"

    def bucket(self, name: str) -> str:
        """A bucket's objects."""
        return self._at(f"s3/buckets/{_part(name)}")

    def key(self, key_id: str) -> str:
        """A customer key."""
        return self._at("kms/home", f"/kms/keys/{_part(key_id)}")

    def repository(self, name: str) -> str:
        """A repository of CodeCommit."""
        return self._at(f"codesuite/codecommit/repositories/{_part(name)}/browse")

    def connections(self) -> str:
        """The connections to Git providers."""
        return self._at("codesuite/settings/connections")

    def topic(self, arn: str) -> str:
        """A topic."""
        return self._at("sns/v3/home", f"/topic/{_part(arn)}")

    def portfolio(self, portfolio_id: str) -> str:
        """A portfolio, as its administrator sees it."""
        return self._at("servicecatalog/home", f"portfolios/{_part(portfolio_id)}")

    def product(self, product_id: str) -> str:
        """A product, as its administrator sees it."""
        return self._at("servicecatalog/home", f"admin-products/{_part(product_id)}")

    def role(self, name: str) -> str:
        """A role."""
        return self._at("iam/home", f"/roles/details/{_part(name)}")

    def pipeline(self, name: str) -> str:
        """A pipeline of CodePipeline."""
        return self._at(f"codesuite/codepipeline/pipelines/{_part(name)}/view")

    def state_machine(self, arn: str) -> str:
        """A state machine of Step Functions."""
        return self._at("states/home", f"/statemachines/view/{_part(arn)}")

    def workflows(self) -> str:
        """The workflows of MWAA Serverless."""
        return self._at("mwaa/home", "serverlessWorkflows")

    def stack(self, arn: str) -> str:
        """A stack of CloudFormation."""
        return self._at("cloudformation/home", f"/stacks/stackinfo?stackId={_part(arn)}")

    def endpoint(self, name: str) -> str:
        """An endpoint."""
        return self._at("sagemaker/home", f"/endpoints/{_part(name)}")

    def models(self) -> str:
        """SageMaker's home: models and trainings are shown in Studio, which has no address of its own here."""
        return self._at("sagemaker/home", "/studio")


def _part(text: str) -> str:
    return quote(text, safe="")
