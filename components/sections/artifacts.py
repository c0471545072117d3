"""`sm-mlops:artifacts`: the artifact buckets of the pipelines."""

from typing import Annotated

from pydantic import Field

from components.core.naming import BucketNaming
from components.core.section import AccountId, Days, RegionName, Section


class ArtifactsSpec(Section):
    """The artifact buckets of the pipelines."""

    regions: Annotated[tuple[RegionName, ...], Field(min_length=1)]
    """Regions in which pipelines act; each gets a bucket and a key. The home region `aws:region` is one of them."""
    naming: BucketNaming = BucketNaming.ACCOUNT_REGIONAL
    """`account-regional`: names that only this account can take. `legacy`: `codepipeline-<project>-<region>`."""
    artifact_days: Days = 90
    """Age in days at which an artifact expires. A pipeline can be retried or rolled back for as long."""
    noncurrent_version_days: Days = 30
    """Age at which an overwritten or deleted version is removed for good, in days."""
    incomplete_upload_days: Days = 7
    """Age at which an unfinished multipart upload is dropped, in days."""
    reader_account_ids: tuple[AccountId, ...] = ()
    """Other accounts whose roles may read artifacts, for deployments across accounts."""
