"""ARNs, by the forms of AWS's service authorization reference."""

from dataclasses import dataclass, replace

from awsmodel.regions import Region

ANY = "*"
"""Stands in a policy for every region or every account."""


@dataclass(frozen=True)
class ArnScope:
    """What the ARNs of one account in one region begin with; the resource itself may be a pattern."""

    partition: str
    """`aws`, `aws-cn`, `aws-us-gov`, ..."""
    region: str
    """The region, or `*`."""
    account: str
    """The account, or `*`; empty for what belongs to AWS, and where no ARN is asked for that names it."""

    @classmethod
    def of(cls, region: Region, account: str = "") -> "ArnScope":
        """The scope of an account in a region."""
        return cls(region.partition, region.name, account)

    def in_region(self, region: str) -> "ArnScope":
        """The account in another region."""
        return replace(self, region=region)

    def of_account(self, account: str) -> "ArnScope":
        """Another account in the same region."""
        return replace(self, account=account)

    def arn(self, service: str, resource: str) -> str:
        """ARN of a service's resource in the region and the account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def each(self, service: str, *resources: str) -> list[str]:
        """ARNs of several resources of a service."""
        return [self.arn(service, resource) for resource in resources]

    def form(self, form: str, **names: str) -> str:
        """ARN by its form after the partition, such as `sagemaker:{region}:{account}:endpoint/{name}`."""
        return f"arn:{self.partition}:" + form.format(region=self.region, account=self.account, **names)

    # IAM and S3 name no region, and S3 no account either.

    def root(self) -> str:
        """ARN by which a policy names the account."""
        return self._iam("root")

    def identity(self, kind: str, name: str) -> str:
        """ARN of a `role`, a `user`, a `group` or a `policy` without a path."""
        return self._iam(f"{kind}/{name}")

    def role(self, name: str, path: str = "/") -> str:
        """ARN of a role."""
        return self._iam(f"role{path}{name}")

    def service_linked_role(self, name: str) -> str:
        """ARN of a role that a service makes for itself; its name begins with the service."""
        return self.role(name, "/aws-service-role/")

    def policy(self, name: str) -> str:
        """ARN of a managed policy of the account."""
        return self._iam(f"policy/{name}")

    def bucket(self, name: str) -> str:
        """ARN of a bucket."""
        return f"arn:{self.partition}:s3:::{name}"

    def object(self, bucket: str, key: str) -> str:
        """ARN of an object."""
        return f"{self.bucket(bucket)}/{key}"

    def budget(self, name: str) -> str:
        """ARN of a budget, which is in no region."""
        return f"arn:{self.partition}:budgets::{self.account}:budget/{name}"

    def topic(self, name: str) -> str:
        """ARN of an SNS topic."""
        return self.arn("sns", name)

    def key(self, key_id: str) -> str:
        """ARN of a KMS key."""
        return self.arn("kms", f"key/{key_id}")

    def pipeline(self, name: str) -> str:
        """ARN of a pipeline of CodePipeline."""
        return self.arn("codepipeline", name)

    def build_project(self, name: str) -> str:
        """ARN of a CodeBuild project."""
        return self.arn("codebuild", f"project/{name}")

    def report_group(self, name: str) -> str:
        """ARN of a report group of CodeBuild."""
        return self.arn("codebuild", f"report-group/{name}")

    def repository(self, name: str) -> str:
        """ARN of a CodeCommit repository."""
        return self.arn("codecommit", name)

    def rule(self, name: str) -> str:
        """ARN of a rule of EventBridge's default bus."""
        return self.arn("events", f"rule/{name}")

    def alarm(self, name: str) -> str:
        """ARN of a CloudWatch alarm."""
        return self.arn("cloudwatch", f"alarm:{name}")

    def function(self, name: str) -> str:
        """ARN of a Lambda function."""
        return self.arn("lambda", f"function:{name}")

    def log_group(self, name: str) -> str:
        """ARN of a log group of CloudWatch Logs."""
        return self.arn("logs", f"log-group:{name}")

    def stack(self, name: str, stack_id: str = ANY) -> str:
        """ARN of a CloudFormation stack."""
        return self.arn("cloudformation", f"stack/{name}/{stack_id}")

    def resource_types(self) -> str:
        """ARN of AWS's own resource types; CloudFormation asks for them beside the stack set that uses them."""
        return self.of_account("").arn("cloudformation", "type/resource/*")

    def network_interface(self, interface: str) -> str:
        """ARN of a network interface of EC2."""
        return self.arn("ec2", f"network-interface/{interface}")

    def subnet(self, subnet: str) -> str:
        """ARN of a subnet of EC2."""
        return self.arn("ec2", f"subnet/{subnet}")

    def security_group(self, group: str) -> str:
        """ARN of a security group of EC2."""
        return self.arn("ec2", f"security-group/{group}")

    def _iam(self, resource: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:{resource}"
