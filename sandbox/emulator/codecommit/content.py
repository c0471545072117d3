"""AWS CodeCommit: what is in a repository - branches, commits, folders and files - kept by git."""

import base64
import io
import json
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from moto.codecommit.models import codecommit_backends
from moto.core.responses import BaseResponse

from sandbox.emulator.codecommit.git_store import (
    EXECUTABLE,
    NORMAL,
    SYMLINK,
    Commit,
    Entry,
    File,
    GitRepository,
    Person,
)
from sandbox.emulator.codecommit.pull_requests import tell_of_source
from sandbox.emulator.core.callers import Caller
from sandbox.emulator.core.errors import ServiceError
from sandbox.emulator.core.not_known import not_known
from sandbox.emulator.events.models import publish

NO_AUTHOR = Person("AWS CodeCommit", "noreply-awscodecommit@amazon.com")
MODES = {"NORMAL": NORMAL, "EXECUTABLE": EXECUTABLE, "SYMLINK": SYMLINK}
MODE_NAMES = {mode: name for name, mode in MODES.items()}
MAX_ARCHIVE = 20_000_000
"""Bytes of the zip of a first commit."""
FULL_ID = re.compile(r"[0-9a-f]{40}")


def first_commit(repository: GitRepository, archive: bytes, branch: str) -> str:
    """Commit the files of a zip to an empty repository, as `Code` of a CloudFormation template asks.

    As in AWS no file of the commit is executable, whatever the archive says, and none may be empty (aws/aws-cdk issues
    24083 and 19012).

    Raises:
        zipfile.BadZipFile: the archive is not a zip with files that are not empty; the text is AWS's.

    """
    if len(archive) > MAX_ARCHIVE:
        raise zipfile.BadZipFile("Code archive supplied cannot be more than 20 MB compressed")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            put = {member.filename: File(files.read(member)) for member in files.infolist() if not member.is_dir()}
    except zipfile.BadZipFile:
        put = {}
    if not put or not all(file.content for file in put.values()):
        raise zipfile.BadZipFile("Code supplied is not a valid .zip archive")
    return repository.commit(branch, None, "Initial commit", NO_AUTHOR, put=put)


def tell_of_branch(caller: Caller, metadata: Mapping[str, str], branch: str, old: str | None, new: str | None) -> None:
    """Send the event of a branch that was made, moved or deleted."""
    happened = "Created" if old is None else "Deleted" if new is None else "Updated"
    detail = {
        "event": f"reference{happened}",
        "repositoryName": metadata["repositoryName"],
        "repositoryId": metadata["repositoryId"],
        "referenceType": "branch",
        "referenceName": branch,
        "referenceFullName": f"refs/heads/{branch}",
        "callerUserArn": caller.principal,
        **({"commitId": new} if new else {}),
        **({"oldCommitId": old} if old else {}),
    }
    publish(
        caller,
        source="aws.codecommit",
        kind="CodeCommit Repository State Change",
        detail=detail,
        resource=metadata["Arn"],
        notice=f"branches-and-tags-{happened.lower()}",
    )
    if new is not None:
        tell_of_source(caller, metadata, branch)


class ContentOperations(BaseResponse):
    """The operations on what is in a repository."""

    def list_branches(self) -> str:
        """ListBranches."""
        return json.dumps({"branches": sorted(self._content.branches())})

    def get_branch(self) -> str:
        """GetBranch."""
        name = self._get_param("branchName")
        return json.dumps({"branch": {"branchName": name, "commitId": self._tip(name)}})

    def create_branch(self) -> str:
        """CreateBranch."""
        name, commit = self._get_param("branchName"), self._commit(self._get_param("commitId")).oid
        self._check_branch_name(name)
        with self._content.lock:
            if name in self._content.branches():
                raise ServiceError("BranchNameExistsException", f"Branch {name} already exists")
            self._move(name, commit)
        tell_of_branch(Caller.of(self), self._metadata, name, None, commit)
        return "{}"

    def delete_branch(self) -> str:
        """DeleteBranch; refused for the default branch, and without an error where there is none."""
        name = self._get_param("branchName")
        if name == self._metadata.get("defaultBranch"):
            raise ServiceError("DefaultBranchCannotBeDeletedException", f"{name} is the default branch")
        tip = self._content.branches().get(name)
        if tip is None:
            return "{}"
        self._content.remove_branch(name)
        tell_of_branch(Caller.of(self), self._metadata, name, tip, None)
        return json.dumps({"deletedBranch": {"branchName": name, "commitId": tip}})

    def update_default_branch(self) -> str:
        """UpdateDefaultBranch."""
        name = self._get_param("defaultBranchName")
        self._tip(name)
        self._metadata["defaultBranch"] = name
        return "{}"

    def get_commit(self) -> str:
        """GetCommit."""
        return json.dumps({"commit": self._described(self._commit(self._get_param("commitId")))})

    def batch_get_commits(self) -> str:
        """BatchGetCommits."""
        found, errors = [], []
        for oid in self._get_param("commitIds"):
            commit = self._content.read_commit(oid) if FULL_ID.fullmatch(oid) else None
            if commit:
                found.append(self._described(commit))
            else:
                message = f"{oid} does not exist"
                errors.append({"commitId": oid, "errorCode": "CommitDoesNotExistException", "errorMessage": message})
        return json.dumps({"commits": found, "errors": errors})

    def get_folder(self) -> str:
        """GetFolder."""
        commit, folder = self._specified(), self._get_param("folderPath").strip("/")
        tree = self._content.tree_id(commit, folder)
        if tree is None:
            raise ServiceError("FolderDoesNotExistException", f"{folder} does not exist in commit {commit}")
        entries = self._content.entries(tree)
        prefix = f"{folder}/" if folder else ""

        def described(kind: str, id_name: str, *, links: bool = False) -> list[dict[str, str]]:
            chosen = [entry for entry in entries if entry.kind == kind and (entry.mode == SYMLINK) is links]
            return [
                {id_name: entry.oid, "absolutePath": prefix + entry.name, "relativePath": entry.name}
                | ({"fileMode": MODE_NAMES[entry.mode]} if kind == "blob" else {})
                for entry in chosen
            ]

        return json.dumps(
            {
                "commitId": commit,
                "folderPath": folder,
                "treeId": tree,
                "subFolders": described("tree", "treeId"),
                "files": described("blob", "blobId"),
                "symbolicLinks": described("blob", "blobId", links=True),
                "subModules": described("commit", "commitId"),
            }
        )

    def get_file(self) -> str:
        """GetFile."""
        commit, path = self._specified(), self._get_param("filePath").strip("/")
        entry = self._entry(commit, path)
        if entry is None:
            raise ServiceError("FileDoesNotExistException", f"{path} does not exist in commit {commit}")
        return json.dumps(
            {
                "commitId": commit,
                "blobId": entry.oid,
                "filePath": path,
                "fileMode": MODE_NAMES[entry.mode],
                "fileSize": entry.size,
                "fileContent": base64.b64encode(self._content.blob(entry.oid) or b"").decode(),
            }
        )

    def get_blob(self) -> str:
        """GetBlob."""
        oid = self._get_param("blobId")
        content = self._content.blob(oid) if FULL_ID.fullmatch(oid) else None
        if content is None:
            raise ServiceError("BlobIdDoesNotExistException", f"{oid} does not exist")
        return json.dumps({"content": base64.b64encode(content).decode()})

    def put_file(self) -> str:
        """PutFile."""
        path = self._get_param("filePath").strip("/")
        mode = self._get_param("fileMode", "NORMAL")
        put = {path: File(base64.b64decode(self._get_param("fileContent")), MODES[mode])}
        branch = self._get_param("branchName")
        same = ServiceError("SameFileContentException", f"{path} has this content and mode already")
        commit, entries = self._save(branch, put, [], self._get_param("commitMessage", ""), unchanged=same)
        return json.dumps({"commitId": commit.oid, "treeId": commit.tree, "blobId": entries[path].oid})

    def create_commit(self) -> str:
        """CreateCommit."""
        put, delete = {}, [change["filePath"] for change in self._get_param("deleteFiles", [])]
        for change in self._get_param("putFiles", []):
            if "sourceFile" in change:
                raise ServiceError("InvalidParameterException", not_known("sourceFile; send fileContent"))
            content = base64.b64decode(change.get("fileContent", ""))
            put[change["filePath"].strip("/")] = File(content, MODES[change.get("fileMode", "NORMAL")])
        if not put and not delete:
            raise ServiceError("FileEntryRequiredException", "A commit needs at least one change")
        unchanged = ServiceError("NoChangeException", "The commit would change nothing")
        commit, entries = self._save(
            self._get_param("branchName"), put, delete, self._get_param("commitMessage", ""), unchanged=unchanged
        )
        changed = [
            {"absolutePath": path, "blobId": entries[path].oid, "fileMode": MODE_NAMES[entries[path].mode]}
            for path in put
        ]
        return json.dumps(
            {
                "commitId": commit.oid,
                "treeId": commit.tree,
                "filesAdded": changed,
                "filesUpdated": [],
                "filesDeleted": [{"absolutePath": path} for path in delete],
            }
        )

    def _save(
        self, branch: str, put: dict[str, File], delete: list[str], message: str, *, unchanged: ServiceError
    ) -> tuple[Commit, dict[str, Entry]]:
        """Commit on top of the branch's tip, which the caller must have named; the commit and its whole tree."""
        self._check_branch_name(branch)
        author = Person(
            self._get_param("authorName") or self._get_param("name") or NO_AUTHOR.name,
            self._get_param("email") or NO_AUTHOR.email,
        )
        with self._content.lock:
            tip, parent = self._content.branches().get(branch), self._get_param("parentCommitId")
            if tip and not parent:
                raise ServiceError("ParentCommitIdRequiredException", f"{branch} has commits: name its tip {tip}")
            if tip and parent != tip:
                raise ServiceError("ParentCommitIdOutdatedException", f"{branch} is at {tip}, not at {parent}")
            if not tip and parent:
                self._commit(parent)
            before = self._whole_tree(parent)
            for path in delete:
                if path not in before:
                    raise ServiceError("FileDoesNotExistException", f"{path} does not exist in {branch}")
            oid = self._content.commit(branch, parent, message, author, put=put, delete=delete)
            after = self._whole_tree(oid)
            if after == before:
                self._content.set_branch(branch, tip) if tip else self._content.remove_branch(branch)
                raise unchanged
            self._metadata.setdefault("defaultBranch", branch)
        tell_of_branch(Caller.of(self), self._metadata, branch, tip, oid)
        return self._commit(oid), after

    def _whole_tree(self, commit: str | None) -> dict[str, Entry]:
        return {entry.name: entry for entry in self._content.entries(commit, recursive=True)} if commit else {}

    def _move(self, branch: str, commit: str) -> None:
        self._content.set_branch(branch, commit)
        self._metadata.setdefault("defaultBranch", branch)

    def _entry(self, commit: str, path: str) -> Entry | None:
        folder, _, name = path.rpartition("/")
        tree = self._content.tree_id(commit, folder)
        found = [entry for entry in self._content.entries(tree) if entry.name == name] if tree else []
        return found[0] if found and found[0].kind == "blob" else None

    @property
    def _metadata(self) -> dict[str, Any]:
        backend = codecommit_backends[self.current_account][self.region]
        return backend.get_repository(self._get_param("repositoryName"))

    @property
    def _content(self) -> GitRepository:
        backend = codecommit_backends[self.current_account][self.region]
        content: GitRepository = backend.content(self._metadata)  # type: ignore[attr-defined] # see codecommit.models
        return content

    def _check_branch_name(self, name: str) -> None:
        if FULL_ID.fullmatch(name) or not self._content.is_branch_name(name):
            raise ServiceError("InvalidBranchNameException", f"{name!r} is not a valid branch name")

    def _tip(self, branch: str) -> str:
        try:
            return self._content.branches()[branch]
        except KeyError:
            raise ServiceError("BranchDoesNotExistException", f"{branch} does not exist") from None

    def _commit(self, oid: str) -> Commit:
        if not FULL_ID.fullmatch(oid):
            raise ServiceError("InvalidCommitIdException", f"{oid!r} is not a full commit id")
        commit = self._content.read_commit(oid)
        if commit is None:
            raise ServiceError("CommitIdDoesNotExistException", f"{oid} does not exist")
        return commit

    def _specified(self) -> str:
        """Return the commit of the request's `commitSpecifier`; without one that of the default branch."""
        specifier = self._get_param("commitSpecifier") or self._metadata.get("defaultBranch")
        commit = self._content.resolve(specifier) if specifier else None
        if commit is None:
            raise ServiceError("CommitDoesNotExistException", f"{specifier or 'The default branch'} does not exist")
        return commit

    @staticmethod
    def _described(commit: Commit) -> dict[str, Any]:
        def person(who: Person) -> dict[str, str]:
            return {"name": who.name, "email": who.email, "date": commit.date}

        return {
            "commitId": commit.oid,
            "treeId": commit.tree,
            "parents": list(commit.parents),
            "message": commit.message,
            "author": person(commit.author),
            "committer": person(commit.committer),
            "additionalData": "",
        }
