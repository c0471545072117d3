"""One test of one option: bring the stack up, examine it, create projects, destroy it all."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import click
from rich.text import Text

from awsmodel.arns import ArnScope
from components import packaging
from components.catalog.publication import product_name, studio_location
from components.packaging import seed_code
from components.providers.aws_access import AwsAccess, AwsError, explained
from tools.console import make_console
from tools.deployment_test import exposure
from tools.deployment_test.data_scientist import DataScientist
from tools.deployment_test.engine import Engine
from tools.deployment_test.projects import Projects
from tools.deployment_test.stack_under_test import StackUnderTest
from tools.deployment_test.waiting import Waiting
from tools.doctor.examination import examine
from tools.doctor.findings import Status
from tools.faults import ToolError

RENEWED = 2400.0
"""Seconds after which the role of the projects is assumed anew: from another role it is had for an hour at most."""


@dataclass
class DeploymentTest:
    """One test of one option."""

    tested: StackUnderTest
    waiting: Waiting
    verbose: bool = False
    """Whether all that the engine prints is passed on."""
    projects_role_arn: str | None = None
    """Role that creates and deletes the projects; left out, whoever runs the test."""
    faults: list[str] = field(default_factory=list)
    """What has been found wrong so far."""
    destroyed: bool = False
    """Whether nothing of it stands any more."""
    _acting: tuple[float, AwsAccess] | None = None
    """Since when the test acts as the role of the projects, and its access."""

    @cached_property
    def _engine(self) -> Engine:
        return Engine(self.tested.of.folder, self.verbose)

    @cached_property
    def _projects(self) -> Projects | None:
        values = self.tested.values(None)
        slugs = values.get("sm-mlops:catalog", {}).get("products", []) if self.tested.option.projects != "none" else []
        if not slugs:
            return None
        scientist = DataScientist(self._scientist_client, self.waiting)
        return Projects(scientist, [seed_code.product(slug) for slug in slugs], self.tested.suffix, say)

    def _client(self, service: str, region: str | None = None) -> Any:  # noqa: ANN401 - botocore makes the class
        return self.tested.of.access.client(service, region or self.tested.option.region)

    def _scientist_client(self, service: str) -> Any:  # noqa: ANN401 - botocore makes the class
        if self.projects_role_arn is None:
            return self._client(service)
        now = self.waiting.clock()
        if self._acting is None or now - self._acting[0] > RENEWED:
            self._acting = (now, self.tested.of.access.acting_as(self.projects_role_arn))
        return self._acting[1].client(service, self.tested.option.region)

    @property
    def _identity(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self._client("sts").get_caller_identity()
        return found

    @property
    def _arns(self) -> ArnScope:
        partition, region = self._client("sts").meta.partition, self.tested.file.settings.home_region
        return ArnScope(partition, region, self._identity["Account"])

    def bring_up(self) -> None:
        """Deploy the stack under test; it lets whoever runs the test create projects."""
        with self._step(f"bring up {self.tested.name}"):
            caller = self.projects_role_arn or role_of(self._identity["Arn"])
            catalog = self.tested.values(None).get("sm-mlops:catalog", {})
            if caller is None and self._projects is not None and catalog.get("serviceCatalog", True):
                raise ToolError(
                    "the account's root calls, and no portfolio lets it in, so it could create no project; name a "
                    "role with --role-arn"
                )
            self.tested.write(caller)
            self.tested.up(self._engine)

    def examine(self) -> None:
        """Let doctor look at the stack, and see that nothing of it is open to others."""
        with self._step("doctor"):
            expected = self.tested.option.expected
            for finding in examine(self.tested.file):
                if finding.status in (Status.BROKEN, Status.UNKNOWN) and finding.check not in expected:
                    self._fault(f"doctor: {finding.check} of {finding.subject}: {finding.evidence} {finding.fix}")
        with self._step("exposure"):
            for fault in self._exposed():
                self._fault(fault)

    def _exposed(self) -> Iterator[str]:
        wanted, account = self.tested.file.settings, self._identity["Account"]
        buckets = {
            region: [wanted.names.artifact_bucket(wanted.artifacts.naming, account, region).value]
            for region in wanted.artifacts.regions
        }
        for region in (wanted.catalog.regions or (wanted.home_region,)) if wanted.catalog else ():
            buckets.setdefault(region, []).append(wanted.names.distribution_bucket(account, region).value)
        for region, names in buckets.items():
            for name in names:
                yield from exposure.bucket_faults(self._client("s3", region), name, account)
        yield from exposure.topic_faults(self._client("sns"), self._arns.topic(wanted.names.topic.value))
        purposes = {"artifacts": wanted.artifacts.regions, "notifications": (wanted.home_region,)}
        for purpose, regions in purposes.items():
            for region in regions:
                kms = self._client("kms", region)
                # A key's policy is not to be had by its alias.
                key = kms.describe_key(KeyId=wanted.names.key_alias(purpose).value)["KeyMetadata"]["Arn"]
                yield from exposure.key_faults(kms, key)

    def play(self) -> None:
        """Create a project of each product, see their pipelines run and a model deployed."""
        if self._projects is None:
            say("no projects: the option has no catalog, or does not ask for them")
            return
        with self._step("projects"):
            self._projects.create(self._source())
            if self.tested.option.projects == "run":
                self._projects.run()

    def _source(self) -> Callable[[packaging.Product], Mapping[str, Any]]:
        wanted, projects = self.tested.file.settings, self._projects
        if wanted.catalog is None or projects is None:
            raise ToolError("there is no catalog to create projects from")
        if wanted.catalog.service_catalog:
            return lambda product: projects.scientist.offered(product_name(product, wanted.names))
        bucket = wanted.names.distribution_bucket(self._identity["Account"], wanted.home_region)
        location, role = studio_location(bucket.value), self._arns.role(wanted.names.launch_role.value)
        return lambda product: {
            "TemplateName": product.slug,
            "TemplateURL": projects.scientist.listed(product, location),
            "RoleARN": role,
        }

    def destroy(self, *, unlock: bool = False) -> None:
        """Remove everything, what an interrupted test has left included. Once more is no error.

        Args:
            unlock: whether a lock is broken that a killed engine may have left. Nobody else may be at work.
        """
        if self._projects is not None:
            with self._step("delete projects"):
                self._projects.delete()
        with self._step(f"destroy {self.tested.name}"):
            self.tested.write(None)
            if unlock:
                self._engine.unlock(self.tested.name)
            self.tested.destroy(self._engine)
        self.destroyed = True

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        say(f"  {title} ...")
        before, began = len(self.faults), self.waiting.clock()
        try:
            with explained(
                title,
                ("sagemaker", "servicecatalog", "codepipeline", "s3", "sns", "kms", "sts"),
                self.tested.option.region,
            ):
                yield
        except (AwsError, ToolError) as error:
            self._fault(f"{title}: {error}")
            raise StepError from error
        say(f"{'✓' if len(self.faults) == before else '✗'} {title} ({self.waiting.clock() - began:.0f} s)")

    def _fault(self, text: str) -> None:
        self.faults.append(text)
        make_console(stderr=True).print(Text(f"✗ {text}", "red"), soft_wrap=True)


class StepError(Exception):
    """A step has failed and is reported; the steps that need it are left out."""


def say(text: str) -> None:
    """Tell how the test goes, beside what the engine prints."""
    click.echo(text, err=True)


def role_of(caller_arn: str) -> str | None:
    """Name the caller in a portfolio: the role of a session, or a user. The account's root needs nothing."""
    prefix, _, rest = caller_arn.partition(":assumed-role/")
    if rest:
        return f"{prefix.replace(':sts:', ':iam:')}:role/{rest.split('/')[0]}"
    return caller_arn if ":iam:" in caller_arn and not caller_arn.endswith(":root") else None
