"""What Pulumi needs in AWS to read and write the state of single stacks: policies as data.

Where which object lies is said by Pulumi's own backend for buckets, `pkg/backend/diy` in pulumi/pulumi: `store.go`,
`state.go`, `stack_tags.go`, `lock.go` and `meta.go`, in the layout with projects, the only one that is still taken.
For an object that is not there S3 answers so only where its key may be listed, and takes the key for `s3:prefix`:
without that Pulumi would read the tags that a stack does not have as a failure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from awsmodel.arns import ArnScope
from awsmodel.regions import known_regions
from components.iam.policies import KEY_READ, KEY_USE, Statement, allow

TESTS_FOLDER = "deployment-tests"
"""Folder of the bucket in which the stacks under test have their state: whoever tests sees no other."""


@dataclass(frozen=True, kw_only=True)
class State:
    """Where the state of one stack is: in a bucket, or in Pulumi Cloud, which takes no right of AWS."""

    stack: str
    """`<project>/<stack>`, both as Pulumi names them."""
    bucket: str | None = None
    """Name of the bucket."""
    folder: str = ""
    """Folder of the bucket with a slash at its end, if the state is in one."""
    key_arn: str | None = None
    """Key that the stack's secrets are encrypted with."""
    bucket_key_arn: str | None = None
    """Key that encrypts the objects of the bucket, if a customer key does."""

    @property
    def root(self) -> str:
        """What the key of every object of the backend begins with."""
        return f"{self.folder}.pulumi"

    @property
    def layout(self) -> str:
        """Object that says how the backend is laid out, for all stacks."""
        return f"{self.root}/meta.yaml"

    @property
    def read(self) -> Sequence[str]:
        """Keys of what a preview reads, as patterns: the checkpoint, compressed or not, and the stack's tags."""
        stack = f"{self.root}/stacks/{self.stack}"
        return (f"{stack}.json*", f"{stack}.pulumi-tags")

    @property
    def written(self) -> Sequence[str]:
        """Keys of what an update writes, as patterns."""
        return (
            *self.read,
            f"{self.root}/backups/{self.stack}/*",
            f"{self.root}/history/{self.stack}/*",
            f"{self.root}/locks/organization/{self.stack}/*",
        )


def read_state_statements(scope: ArnScope, states: Sequence[State]) -> list[Statement]:
    """Reads the state of these stacks and of no other. A preview takes no lock, so it writes nothing."""
    kept = [one for one in states if one.bucket]
    return [
        *_found(scope, kept, {one: (one.layout, *one.read) for one in kept}),
        *_objects(scope, "ReadState", ["s3:GetObject"], {one: (one.layout, *one.read) for one in kept}),
        *_keys(scope, states, "DecryptSecrets", "DecryptState", KEY_READ),
    ]


def write_state_statements(scope: ArnScope, states: Sequence[State]) -> list[Statement]:
    """Reads and writes the state of these stacks and of no other, takes their locks and gives them back."""
    kept = [one for one in states if one.bucket]
    return [
        *_found(scope, kept, {one: (one.layout, *one.written) for one in kept}),
        *_objects(scope, "ReadLayout", ["s3:GetObject"], {one: (one.layout,) for one in kept}),
        *_objects(scope, "WriteState", _WRITE, {one: one.written for one in kept}),
        *_keys(scope, states, "UseKeyOfState", "UseKeyOfBucket", KEY_USE),
    ]


def write_backend_statements(scope: ArnScope, state: State) -> list[Statement]:
    """Makes, changes, lists and removes all stacks of a backend that is in a folder of its own."""
    kept: _Keys = {state: (f"{state.root}/*",)} if state.bucket else {}
    return [
        *_found(scope, list(kept), kept),
        *_objects(scope, "WriteState", _WRITE, kept),
        *_keys(scope, [state], "UseKeyOfState", "UseKeyOfBucket", KEY_USE),
    ]


_WRITE = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")

_Keys = Mapping[State, Sequence[str]]


def _found(scope: ArnScope, states: Sequence[State], keys: _Keys) -> Iterator[Statement]:
    if states:
        buckets = dict.fromkeys(scope.bucket(one.bucket) for one in states if one.bucket)
        prefixes = list(dict.fromkeys(key for one in states for key in keys[one]))
        yield allow("FindState", ["s3:ListBucket"], list(buckets), {"StringLike": {"s3:prefix": prefixes}})


def _objects(scope: ArnScope, sid: str, actions: Sequence[str], keys: _Keys) -> Iterator[Statement]:
    found = dict.fromkeys(scope.object(one.bucket, key) for one, listed in keys.items() if one.bucket for key in listed)
    if found:
        yield allow(sid, actions, list(found))


def _keys(
    scope: ArnScope, states: Sequence[State], of_secrets: str, of_objects: str, actions: Sequence[str]
) -> Iterator[Statement]:
    """The keys of the stacks' secrets; and one that encrypts the bucket, for the bucket's objects and nothing else."""
    own = list(dict.fromkeys(one.key_arn for one in states if one.key_arn))
    if own:
        yield allow(of_secrets, actions, own)
    # The stacks of one delivery have one bucket, and its key is of the bucket's region.
    for key, one in {one.bucket_key_arn: one for one in states if one.bucket_key_arn not in own}.items():
        if key and one.bucket:
            objects = [scope.bucket(one.bucket), scope.object(one.bucket, f"{one.root}/*")]
            condition = {
                "StringEquals": {"kms:ViaService": known_regions()[key.split(":")[3]].endpoint("s3")},
                "StringLike": {"kms:EncryptionContext:aws:s3:arn": objects},
            }
            yield allow(of_objects, actions, [key], condition)


_BACKEND = re.compile(r"s3://(?P<bucket>[^/?]+)(?P<folder>/[^?]*)?(?P<query>\?.*)?")
_PROVIDER = re.compile(r"awskms://+(?P<key>arn:[^?]+)(\?.*)?")


def state_of(stack: str, backend_url: str, secrets_provider: str | None, bucket_provider: str | None = None) -> State:
    """What Pulumi's own addresses say of a stack's state.

    Args:
        stack: `<project>/<stack>`.
        backend_url: where the state is.
        secrets_provider: what encrypts the stack's secrets.
        bucket_provider: what may encrypt the bucket's objects, in the same form.
    """
    found = _BACKEND.fullmatch(backend_url)
    folder = (found["folder"] or "").strip("/") if found else ""
    return State(
        stack=stack,
        bucket=found["bucket"] if found else None,
        folder=f"{folder}/" if folder else "",
        key_arn=_key(secrets_provider),
        bucket_key_arn=_key(bucket_provider),
    )


def tests_backend(backend_url: str) -> str:
    """Where the stacks under test have their state: a folder of the bucket; Pulumi Cloud keeps stacks apart itself."""
    found = _BACKEND.fullmatch(backend_url)
    if found is None:
        return backend_url
    folder = "/".join(part for part in ((found["folder"] or "").strip("/"), TESTS_FOLDER) if part)
    return f"s3://{found['bucket']}/{folder}{found['query'] or ''}"


def _key(provider: str | None) -> str | None:
    found = _PROVIDER.fullmatch(provider or "")
    return found["key"] if found else None
