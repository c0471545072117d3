"""Where a project's code lives, and how its changes are checked: at a Git provider, and in CodeCommit."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from awsmodel.regions import known_regions
from components.core.naming import Names
from components.iam import project_policies
from components.iam.policies import document
from components.iam.role_documents import RoleFacts, project_boundary
from components.packaging import read_product
from components.sections.catalog import CatalogSpec, ProjectSource
from sandbox.git_client import settings
from tests.sandbox.conftest import REGION, REPOSITORY, Clients
from tests.sandbox.support.catalog import ACCOUNT, BOUNDARY, PROVISIONING, Catalog, make_catalog
from tests.sandbox.support.pipelines import wait

Json = dict[str, Any]
MAKEFILE = """\
check:
\t! grep -r broken main.txt
"""
BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - make check
"""


def post(url: str, told: object) -> None:
    with urlopen(Request(url, data=json.dumps(told).encode(), method="POST")):  # noqa: S310 - the emulator's address
        pass


class Projects:
    """A catalog with the training product, whose seed code is only a text that must not be broken."""

    def __init__(self, aws: Clients, url: str) -> None:
        self.aws, self.url = aws, url
        self.connection: str = aws("codeconnections").create_connection(ConnectionName="git", ProviderType="GitHub")[
            "ConnectionArn"
        ]
        with urlopen(Request(f"{url}/sandbox/connections/handshake", data=self.connection.encode(), method="POST")):  # noqa: S310
            pass
        self.catalog: Catalog = make_catalog(aws, url)
        self.catalog.allow(
            project_policies.launch_statements(
                known_regions()[REGION], ACCOUNT, BOUNDARY, None, connection_arn=self.connection
            )
        )
        source = ProjectSource(connection_arn=self.connection)
        bounds = RoleFacts(
            names=Names("acme", "dev"),
            home=known_regions()[REGION],
            account_id=ACCOUNT,
            catalog=CatalogSpec(products=("model-build-train",), project_source=source),
        )
        aws("iam").create_policy(
            PolicyName=BOUNDARY.rpartition("/")[2], PolicyDocument=document(project_boundary(bounds))
        )
        product = read_product(REPOSITORY / "seed_code" / "model-build-train")
        texts = {"Makefile": MAKEFILE, "buildspec.yml": BUILDSPEC, "main.txt": "whole\n"}
        files = [replace(product.files[0], path=path, content=text.encode()) for path, text in texts.items()]
        seed = replace(product, files=tuple(files)).seed_zip()
        aws("s3").put_object(Bucket=self.catalog.bucket, Key="seed.zip", Body=seed, Tagging=PROVISIONING)
        text = self.catalog.filled(REPOSITORY / "seed_code" / "model-build-train")
        text = text.replace("ConnectionArn: ''", f"ConnectionArn: {self.connection}")
        text = text.replace('ConnectionArn: ""', f"ConnectionArn: {self.connection}")
        assert f"ConnectionArn: {self.connection}" in text
        self._version = self.catalog.add_version("train", self.catalog.put_text("train.yaml", text))
        self._sagemaker = self.catalog.acting(self.catalog.scientist, "sagemaker")

    def make_repository(self, name: str) -> None:
        """Do what a person does at the provider."""
        post(f"{self.url}/sandbox/connections/repositories", {"connectionArn": self.connection, "repository": name})

    def clone_url(self, repository: str) -> str:
        identity = self.connection.rpartition("/")[2]
        host = f"codeconnections.{REGION}.amazonaws.com"
        return f"https://{host}/git-http/{ACCOUNT}/{REGION}/{identity}/{repository}.git"

    def launch(self, name: str, **parameters: str) -> Json:
        given = {"ArtifactsOnProjectDeletion": "Delete", **parameters}
        self._sagemaker.create_project(
            ProjectName=name,
            ServiceCatalogProvisioningDetails={
                "ProductId": self.catalog.product,
                "ProvisioningArtifactId": self._version,
                "ProvisioningParameters": [{"Key": key, "Value": value} for key, value in given.items()],
            },
        )
        project: Json = self._sagemaker.describe_project(ProjectName=name)
        return project

    def runs(self, pipeline: str) -> list[Json]:
        """Runs of a pipeline, the newest first, once none is on its way."""
        codepipeline = self.aws("codepipeline")

        def ended() -> list[Json]:
            found: list[Json] = codepipeline.list_pipeline_executions(pipelineName=pipeline)[
                "pipelineExecutionSummaries"
            ]
            return [] if "InProgress" in {one["status"] for one in found} else found

        return list(wait(ended, f"the end of {pipeline}"))


@pytest.fixture(scope="module")
def projects(aws: Clients, emulator: Json) -> Iterator[Projects]:
    made = Projects(aws, emulator["url"])
    yield made
    aws("iam").delete_policy(PolicyArn=BOUNDARY)


def git(folder: Path, *arguments: str, url: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    environment: Mapping[str, str] = {**os.environ, **settings(url), "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_project_at_a_git_provider_gets_its_first_push_its_runs_and_its_checks(
    projects: Projects, tmp_path: Path
) -> None:
    projects.make_repository("acme/churn")
    project = projects.launch("churn", RepositoryId="acme/churn")
    assert project["ProjectStatus"] == "CreateCompleted", project
    pipeline = f"sagemaker-churn-{project['ProjectId']}-modelbuild"
    check = f"{pipeline}-check"

    # The seed code is there, and the pipeline has run with it.
    git(tmp_path, "clone", "--quiet", projects.clone_url("acme/churn"), "code", url=projects.url)
    code = tmp_path / "code"
    assert (code / "main.txt").read_text() == "whole\n"
    assert [one["status"] for one in projects.runs(pipeline)] == ["Succeeded"]
    studio = projects.aws("sagemaker").describe_code_repository(
        CodeRepositoryName=f"sagemaker-{project['ProjectId']}-model-build-train"
    )
    assert studio["GitConfig"]["RepositoryUrl"] == projects.clone_url("acme/churn")

    # A push to a branch is checked, and trains nothing; so is a pull request.
    git(code, "switch", "--quiet", "-c", "fix", url=projects.url)
    (code / "main.txt").write_text("broken\n")
    git(code, "commit", "--quiet", "-am", "Break it", url=projects.url)
    git(code, "push", "--quiet", "origin", "fix", url=projects.url)
    commit = git(code, "rev-parse", "HEAD", url=projects.url)
    assert [one["status"] for one in projects.runs(check)] == ["Failed", "Succeeded"]
    request = {"connectionArn": projects.connection, "repository": "acme/churn", "source": "fix", "destination": "main"}
    post(f"{projects.url}/sandbox/connections/pull-requests", request)
    newest, *others = projects.runs(check)
    assert (newest["sourceRevisions"][0]["revisionId"], newest["status"], len(others)) == (commit, "Failed", 2)
    assert len(projects.runs(pipeline)) == 1

    # A push to main trains.
    git(code, "switch", "--quiet", "main", url=projects.url)
    (code / "main.txt").write_text("still whole\n")
    git(code, "commit", "--quiet", "-am", "Say more", url=projects.url)
    git(code, "push", "--quiet", "origin", "main", url=projects.url)
    assert [one["status"] for one in projects.runs(pipeline)] == ["Succeeded", "Succeeded"]
    assert len(projects.runs(check)) == 3


@pytest.mark.parametrize(
    ("name", "prepared", "said"),
    [
        ("acme/nowhere", "", "cannot be read through the connection"),
        ("acme/full", "README.md", "is not empty, and nothing in it is touched"),
    ],
)
def test_a_repository_that_cannot_be_had_ends_the_launch_in_words(
    projects: Projects, tmp_path: Path, name: str, prepared: str, said: str
) -> None:
    url = projects.clone_url(name)
    if prepared:
        projects.make_repository(name)
        git(tmp_path, "init", "--quiet", "--initial-branch=main", url=projects.url)
        (tmp_path / prepared).write_text("Mine.\n")
        git(tmp_path, "add", "--all", url=projects.url)
        git(tmp_path, "commit", "--quiet", "-m", "Mine", url=projects.url)
        git(tmp_path, "push", "--quiet", url, "HEAD:main", url=projects.url)
    before = git(tmp_path, "rev-parse", "HEAD", url=projects.url) if prepared else ""

    project = projects.launch(name.replace("/", "-"), RepositoryId=name)

    assert project["ProjectStatus"] == "CreateFailed"
    assert said in project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
    if prepared:
        assert git(tmp_path, "ls-remote", url, "main", url=projects.url).split()[0] == before


def test_a_repository_that_a_launch_has_filled_already_is_taken_as_it_is(projects: Projects, tmp_path: Path) -> None:
    projects.make_repository("acme/again")
    assert projects.launch("once", RepositoryId="acme/again")["ProjectStatus"] == "CreateCompleted"
    first = git(tmp_path, "ls-remote", projects.clone_url("acme/again"), url=projects.url)
    assert projects.launch("twice", RepositoryId="acme/again")["ProjectStatus"] == "CreateCompleted"
    assert git(tmp_path, "ls-remote", projects.clone_url("acme/again"), url=projects.url) == first


def test_a_pull_request_at_codecommit_is_checked_and_hears_how_it_went(projects: Projects) -> None:
    project = projects.launch("fraud")
    assert project["ProjectStatus"] == "CreateCompleted", project
    name = f"sagemaker-fraud-{project['ProjectId']}"
    codecommit = projects.aws("codecommit")
    repository = f"{name}-model-build-train"
    main = codecommit.get_branch(repositoryName=repository, branchName="main")["branch"]["commitId"]

    def build(count: int) -> Json:
        """The newest build of the check, once there are so many and it has ended."""
        codebuild = projects.aws("codebuild")

        def ended() -> Json | None:
            ids = codebuild.list_builds_for_project(projectName=f"{name}-modelbuild-check")["ids"]
            found = codebuild.batch_get_builds(ids=ids[:1])["builds"] if len(ids) == count else []
            return found[0] if found and found[0]["buildComplete"] else None

        return dict(wait(ended, f"build {count} of the check"))

    codecommit.create_branch(repositoryName=repository, branchName="fix", commitId=main)
    assert build(1)["buildStatus"] == "SUCCEEDED"
    title = {"title": "Fix it", "targets": [{"repositoryName": repository, "sourceReference": "fix"}]}
    changed = codecommit.put_file(
        repositoryName=repository, branchName="fix", parentCommitId=main, filePath="main.txt", fileContent=b"broken\n"
    )["commitId"]
    assert (build(2)["buildStatus"], build(2)["resolvedSourceVersion"]) == ("FAILED", changed)
    request = codecommit.create_pull_request(**title)["pullRequest"]["pullRequestId"]
    assert build(3)["resolvedSourceVersion"] == changed

    (comments,) = codecommit.get_comments_for_pull_request(pullRequestId=request)["commentsForPullRequestData"]
    assert f"make check fails at {changed}" in comments["comments"][0]["content"]
    assert len(projects.runs(f"{name}-modelbuild")) == 1
