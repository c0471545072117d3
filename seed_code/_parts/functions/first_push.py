"""Makes the first commit of a project in its repository at a Git provider: a build does it, which has git."""

import re
import time
from typing import Any

import boto3
import cfnresponse

codebuild, codecommit = boto3.client("codebuild"), boto3.client("codecommit")

REASONS = {
    "3": "cannot be read through the connection: is there such a repository, may the connection's app use it, and does "
    "the console show the connection as available",
    "4": "is not empty, and nothing in it is touched; name an empty repository, without a README or a licence",
    "5": "takes no push to its branch main: may the connection's app write to it, and is the branch open",
}
"""What a build's exit status means, as the second half of a sentence."""


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer CloudFormation, whatever happens."""
    answer, reason, told = cfnresponse.SUCCESS, "", {}
    try:
        wanted = event["ResourceProperties"]
        # Deleting leaves the repository alone: it is the people's own. So does a change, which may follow another name.
        if event["RequestType"] != "Delete":
            told["CloneUrl"] = clone_url(wanted)
        if event["RequestType"] == "Create":
            refuse_to_move(wanted["FormerRepository"])
            push(wanted, told["CloneUrl"], context)
    except Exception as error:  # an answer in any case: without one CloudFormation waits for the timeout
        answer, reason = cfnresponse.FAILED, f"{type(error).__name__}: {error}"
        print(reason)
    # One id for ever: another would make CloudFormation delete "the former resource" after an update.
    cfnresponse.send(event, context, answer, told, "first-push", reason=reason or None)


def clone_url(wanted: dict[str, str]) -> str:
    """Tell where git finds the repository with the rights of a role that may use the connection."""
    if not wanted["ConnectionArn"]:
        raise ValueError(
            f"RepositoryId is {wanted['RepositoryId']}, and this platform is connected to no Git provider: leave it "
            "empty for a repository in CodeCommit, or have sm-mlops:catalog.projectSource set"
        )
    _, _, service, region, account, resource = wanted["ConnectionArn"].split(":")
    host = f"{service}.{region}.{wanted['UrlSuffix']}"
    return f"https://{host}/git-http/{account}/{region}/{resource.split('/')[1]}/{wanted['RepositoryId']}.git"


def refuse_to_move(former: str) -> None:
    """Refuse a change of the parameter on a project that has its code in CodeCommit: the stack would delete it."""
    try:
        codecommit.get_repository(repositoryName=former)
    except codecommit.exceptions.RepositoryDoesNotExistException:
        return
    raise ValueError(
        f"the project's code is in the CodeCommit repository {former}, which this change would delete; make a new "
        "project at the Git provider, and push the code there"
    )


def push(wanted: dict[str, str], url: str, context: Any) -> None:
    """Run the build, and tell what is wrong in words."""
    variables: list[Any] = [{"name": "CLONE_URL", "value": url, "type": "PLAINTEXT"}]
    build = codebuild.start_build(projectName=wanted["BuildProject"], environmentVariablesOverride=variables)["build"]
    while build["buildStatus"] == "IN_PROGRESS":
        if context.get_remaining_time_in_millis() < 30_000:
            raise TimeoutError(f"build {build['id']} has not ended yet; delete the project and make it once more")
        time.sleep(5)
        (build,) = codebuild.batch_get_builds(ids=[build["id"]])["builds"]
    if build["buildStatus"] != "SUCCEEDED":
        messages = " ".join(
            context.get("message", "") for phase in build.get("phases", ()) for context in phase.get("contexts", ())
        )
        status = re.search(r"exit status (\d+)", messages)
        why = REASONS.get(status[1] if status else "", f"got no first commit: {messages}")
        raise RuntimeError(f"{wanted['RepositoryId']} {why}. Build: {build['id']}")
