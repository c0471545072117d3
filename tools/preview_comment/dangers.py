"""Which steps of a preview destroy something, and which of them stop a merge.

An operation that is not known here is taken for one that destroys: a new word of the engine must not slip through.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from tools.preview_comment.previews import Preview, Step

HARMLESS = {
    "create": "create",
    "diff": "compare",
    "discard": "forget",
    "extend-parameterize": "compare",
    "import": "import",
    "read": "read",
    "refresh": "refresh",
    "remove-pending-replace": "forget",
    "same": "same",
    "update": "update",
}
"""Operations that destroy nothing in AWS, and what they do. `discard` forgets what was only read."""

DESTRUCTIVE = {
    "create-replacement": "replace",
    "delete": "delete",
    "delete-replaced": "delete",
    "discard-replaced": "delete",
    "import-replacement": "replace",
    "read-replacement": "replace",
    "replace": "replace",
}
"""Operations after which something is not there any more, and what they do."""

QUIET = frozenset({"diff", "extend-parameterize", "same", "read", "refresh"})
"""Operations that change nothing."""

GUARDED = (
    "aws:backup/vault:Vault",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:codecommit/repository:Repository",
    "aws:cognito/userPool:UserPool",
    "aws:dynamodb/globalTable:GlobalTable",
    "aws:dynamodb/table:Table",
    "aws:ebs/volume:Volume",
    "aws:ecr/repository:Repository",
    "aws:efs/fileSystem:FileSystem",
    "aws:glue/catalogDatabase:CatalogDatabase",
    "aws:kinesis/stream:Stream",
    "aws:kms/externalKey:ExternalKey",
    "aws:kms/key:Key",
    "aws:kms/replicaKey:ReplicaKey",
    "aws:opensearch/domain:Domain",
    "aws:rds/cluster:Cluster",
    "aws:rds/instance:Instance",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketV2:BucketV2",
    "aws:s3/directoryBucket:DirectoryBucket",
    "aws:sagemaker/domain:Domain",
    "aws:sagemaker/featureGroup:FeatureGroup",
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
    "aws:sagemaker/userProfile:UserProfile",
    "aws:secretsmanager/secret:Secret",
    "aws:servicecatalog/portfolio:Portfolio",
    "aws:servicecatalog/product:Product",
    "aws:sqs/queue:Queue",
)
"""Types that hold what no deployment brings back: data, keys, history, and what people made from a product."""


def word(step: Step) -> str:
    """Tell what a step does, in one word; the engine's own word where it is not known."""
    return HARMLESS.get(step.op) or DESTRUCTIVE.get(step.op) or step.op or "(no operation)"


def known(step: Step) -> bool:
    """Whether the operation is one of those that are known here."""
    return step.op in HARMLESS or step.op in DESTRUCTIVE


def destructive(step: Step) -> bool:
    """Whether something is deleted or replaced, or may be."""
    return step.op not in HARMLESS


def retained(step: Step) -> bool:
    """Whether what leaves the program, or is replaced, stays in AWS: `retainOnDelete`, as the state has it.

    What the program asks for from now on is of no effect on what is there.
    """
    return known(step) and destructive(step) and step.old is not None and step.old.get("retainOnDelete") is True


def leftover(step: Step) -> bool:
    """Whether a step deletes what an earlier deployment has replaced and could not delete."""
    return step.op in ("delete-replaced", "discard-replaced")


def stateful(step: Step) -> bool:
    """Whether a resource holds what no deployment brings back."""
    return step.type in GUARDED


def guarded(step: Step, patterns: Iterable[str]) -> bool:
    """Whether a step must not happen without approval.

    That is so for a destructive step on a type that a pattern names, unless the thing stays in AWS, and for every step
    that is not understood.
    """
    if not destructive(step) or retained(step):
        return False
    return not known(step) or not step.type or any(fnmatchcase(step.type, pattern) for pattern in patterns)


def destroyed(preview: Preview) -> list[Step]:
    """Tell what would be deleted or replaced in AWS; components are nothing there by themselves."""
    return [step for step in preview.steps if destructive(step) and not (step.component and known(step))]


def rank(step: Step, patterns: Sequence[str]) -> int:
    """How dangerous a step is, the most dangerous first."""
    if destructive(step):
        if step.component and known(step) and not guarded(step, patterns):
            return 2
        return 0 if guarded(step, patterns) else 1 if not retained(step) else 2
    order = ("update", "forget", "import", "create")
    return 3 + (order.index(word(step)) if word(step) in order else len(order))


def changes(preview: Preview) -> list[Step]:
    """Return the steps that change something."""
    return [step for step in preview.steps if step.op not in QUIET]
