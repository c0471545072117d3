"""SageMaker's features, and what the platform does with each: a dated table, of which AWS is not asked."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from tools.report.model import Feature, Use

_GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg/"
_USES = {"used": Use.USED, "offered": Use.OFFERED, "closed": Use.CLOSED, "left out": Use.LEFT_OUT}


@dataclass(frozen=True, kw_only=True)
class FeatureTable:
    """The table."""

    date: str
    """When it was last compared with AWS's pages."""
    lifecycle: str
    """AWS's page on what it ends."""
    features: tuple[Feature, ...]


@cache
def feature_table() -> FeatureTable:
    """Return the table of this release."""
    read = yaml.safe_load((files("tools.report") / "features.yaml").read_text(encoding="utf-8"))
    return FeatureTable(
        date=str(read["date"]),
        lifecycle=read["lifecycle"],
        features=tuple(
            Feature(
                name=one["name"],
                use=_USES[one["use"]],
                why=one["why"],
                page=_GUIDE + one["page"],
                since=str(one.get("since", "")),
            )
            for one in read["features"]
        ),
    )
