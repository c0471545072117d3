"""What is in an emulated repository: branches, commits, folders and files."""

import itertools

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Client, Clients

_names = (f"content-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def codecommit(aws: Clients) -> Client:
    return aws("codecommit")


@pytest.fixture
def repository(codecommit: Client) -> str:
    name = next(_names)
    codecommit.create_repository(repositoryName=name)
    return name


def put(client: Client, name: str, path: str, content: bytes, parent: str | None = None, mode: str = "NORMAL") -> str:
    more = {"parentCommitId": parent} if parent else {}
    commit: str = client.put_file(
        repositoryName=name, branchName="main", filePath=path, fileContent=content, fileMode=mode, **more
    )["commitId"]
    return commit


def test_a_file_reads_back_with_its_content_and_mode(codecommit: Client, repository: str) -> None:
    content = bytes(range(256))
    put(codecommit, repository, 'odd "names" and spaces/ö.sh', content, mode="EXECUTABLE")

    read = codecommit.get_file(repositoryName=repository, filePath='odd "names" and spaces/ö.sh')

    assert (read["fileContent"], read["fileMode"], read["fileSize"]) == (content, "EXECUTABLE", 256)


def test_a_folder_lists_its_files_and_folders(codecommit: Client, repository: str) -> None:
    first = put(codecommit, repository, "a/b/c.txt", b"1")
    put(codecommit, repository, "a/d.txt", b"2", first)

    folder = codecommit.get_folder(repositoryName=repository, folderPath="/a")

    assert [(one["absolutePath"], one["relativePath"]) for one in folder["files"]] == [("a/d.txt", "d.txt")]
    assert [one["absolutePath"] for one in folder["subFolders"]] == ["a/b"]


def test_an_old_commit_keeps_its_files(codecommit: Client, repository: str) -> None:
    first = put(codecommit, repository, "a.txt", b"1")
    second = put(codecommit, repository, "a.txt", b"2", first)

    def content(specifier: str) -> bytes:
        read = codecommit.get_file(repositoryName=repository, filePath="a.txt", commitSpecifier=specifier)
        found: bytes = read["fileContent"]
        return found

    assert [content(first), content(second), content("main"), content("refs/heads/main")] == [b"1", b"2", b"2", b"2"]
    assert codecommit.get_commit(repositoryName=repository, commitId=second)["commit"]["parents"] == [first]


def test_one_commit_changes_several_files(codecommit: Client, repository: str) -> None:
    first = put(codecommit, repository, "old.txt", b"1")
    codecommit.create_commit(
        repositoryName=repository,
        branchName="main",
        parentCommitId=first,
        authorName="Ann",
        email="ann@example.com",
        commitMessage="Change <all> of it\n\nwith a body",
        putFiles=[{"filePath": "new.txt", "fileContent": b"2"}],
        deleteFiles=[{"filePath": "old.txt"}],
    )

    tip = codecommit.get_branch(repositoryName=repository, branchName="main")["branch"]["commitId"]
    commit = codecommit.batch_get_commits(repositoryName=repository, commitIds=[tip])["commits"][0]
    files = codecommit.get_folder(repositoryName=repository, folderPath="")["files"]
    assert [one["absolutePath"] for one in files] == ["new.txt"]
    assert (commit["author"]["name"], commit["message"]) == ("Ann", "Change <all> of it\n\nwith a body")


def test_branches_are_made_listed_and_deleted(codecommit: Client, repository: str) -> None:
    tip = put(codecommit, repository, "a.txt", b"1")
    codecommit.create_branch(repositoryName=repository, branchName="feature/x", commitId=tip)
    assert codecommit.list_branches(repositoryName=repository)["branches"] == ["feature/x", "main"]

    codecommit.delete_branch(repositoryName=repository, branchName="feature/x")
    assert codecommit.list_branches(repositoryName=repository)["branches"] == ["main"]
    assert codecommit.get_repository(repositoryName=repository)["repositoryMetadata"]["defaultBranch"] == "main"


def test_a_new_name_keeps_the_content(codecommit: Client, repository: str) -> None:
    put(codecommit, repository, "a.txt", b"1")
    codecommit.update_repository_name(oldName=repository, newName=f"{repository}-renamed")

    assert codecommit.get_file(repositoryName=f"{repository}-renamed", filePath="a.txt")["fileContent"] == b"1"


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("get_file", {"filePath": "missing"}, "FileDoesNotExistException"),
        ("get_folder", {"folderPath": "missing"}, "FolderDoesNotExistException"),
        ("get_folder", {"folderPath": "a.txt"}, "FolderDoesNotExistException"),
        ("get_file", {"filePath": "a.txt", "commitSpecifier": "missing"}, "CommitDoesNotExistException"),
        ("get_branch", {"branchName": "missing"}, "BranchDoesNotExistException"),
        ("get_commit", {"commitId": "0" * 40}, "CommitIdDoesNotExistException"),
        ("get_commit", {"commitId": "main"}, "InvalidCommitIdException"),
        ("create_branch", {"branchName": "main", "commitId": "TIP"}, "BranchNameExistsException"),
        ("create_branch", {"branchName": "a..b", "commitId": "TIP"}, "InvalidBranchNameException"),
        ("delete_branch", {"branchName": "main"}, "DefaultBranchCannotBeDeletedException"),
        ("update_default_branch", {"defaultBranchName": "missing"}, "BranchDoesNotExistException"),
        ("put_file", {"parentCommitId": "TIP", "fileContent": b"1"}, "SameFileContentException"),
        ("put_file", {"fileContent": b"2"}, "ParentCommitIdRequiredException"),
        ("put_file", {"parentCommitId": "0" * 40, "fileContent": b"2"}, "ParentCommitIdOutdatedException"),
    ],
)
def test_mistakes_are_refused_as_in_aws(
    codecommit: Client, repository: str, operation: str, request_: dict[str, object], code: str
) -> None:
    tip = put(codecommit, repository, "a.txt", b"1")
    wanted = {key: tip if value == "TIP" else value for key, value in request_.items()}
    if operation == "put_file":
        wanted |= {"branchName": "main", "filePath": "a.txt"}

    with pytest.raises(ClientError) as refused:
        getattr(codecommit, operation)(repositoryName=repository, **wanted)

    assert refused.value.response["Error"]["Code"] == code
    assert codecommit.get_branch(repositoryName=repository, branchName="main")["branch"]["commitId"] == tip
