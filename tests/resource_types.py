"""Writes down what the registry's schemas say of every resource type: `python -m tests.resource_types`."""

from collections.abc import Iterator

from cfnlint.helpers import REGIONS
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from components.packaging.resource_types import FILE


def described() -> str:
    """The file as it is by the schemas of the cfn-lint that is installed."""
    regions = {
        name: region
        for region in (*sorted(REGIONS), "us-east-1")
        for name in PROVIDER_SCHEMA_MANAGER.get_resource_types(region)
    }
    return "".join(f"{line}\n" for line in _lines(regions))


def _lines(regions: dict[str, str]) -> Iterator[str]:
    for name, region in sorted(regions.items()):
        if name.startswith("AWS::Serverless::"):
            continue  # these are the transform's, which CloudFormation itself does not know
        known = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, name)
        identity, given = known.schema.get("primaryIdentifier", ()), known.schema.get("readOnlyProperties", ())
        own = [path.removeprefix("/properties/") for path in identity]
        chosen = own and not set(identity) & set(given) and not any("/" in path for path in own)
        # cfn-lint writes patterns where a template's author names the attributes.
        attributes = sorted(attribute.replace("\\.", ".").replace(".*", "*") for attribute in known.get_atts)
        yield " ".join([name, ",".join(own) if chosen else "-", *attributes])


if __name__ == "__main__":
    FILE.write_text(described(), encoding="utf-8")
