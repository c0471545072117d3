"""Build images: whether CodeBuild still offers what the products' templates name, and how long it is patched."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import yaml

from awsmodel.cloudformation.yaml_nodes import TEXT, fields, items, text_of
from components.packaging import Product
from tools.doctor.account import StackRegion
from tools.doctor.findings import SkipError, Verdict, broken, ok, warning

SUPPORT_ENDS: Mapping[str, date] = {
    "aws/codebuild/amazonlinux-aarch64-standard:1.0": date(2023, 3, 31),
    "aws/codebuild/amazonlinux-aarch64-standard:2.0": date(2026, 6, 30),
    "aws/codebuild/amazonlinux-aarch64-standard:3.0": date(2029, 6, 30),
    "aws/codebuild/amazonlinux-x86_64-standard:2.0": date(2022, 6, 30),
    "aws/codebuild/amazonlinux-x86_64-standard:3.0": date(2023, 5, 9),
    "aws/codebuild/amazonlinux-x86_64-standard:4.0": date(2026, 6, 30),
    "aws/codebuild/amazonlinux-x86_64-standard:5.0": date(2029, 6, 30),
    "aws/codebuild/amazonlinux-x86_64-standard:6.0": date(2029, 6, 30),
    "aws/codebuild/standard:3.0": date(2022, 6, 30),
    "aws/codebuild/standard:4.0": date(2023, 3, 31),
    "aws/codebuild/standard:5.0": date(2025, 5, 31),
    "aws/codebuild/standard:6.0": date(2027, 4, 30),
    "aws/codebuild/standard:7.0": date(2027, 4, 30),
    "aws/codebuild/standard:8.0": date(2029, 4, 30),
}
"""When an image gets its last patches, as of November 2026.

The dates are those of CodeBuild's page "Deprecated images", else the end of support of the system inside: Amazon Linux
2 and 2023, Ubuntu 20.04 to 24.04.
"""

NOTICE = timedelta(days=180)
"""How long before that date it is told."""

_CURATED = "aws/codebuild/"


def build_images(region: StackRegion) -> Verdict:
    """Check that CodeBuild offers every image that the products' templates name, and patches it."""
    images = {_plain(image): product.slug for product in region.readable for image in template_images(product.source)}
    curated = sorted(image for image in images if image.startswith(_CURATED))
    if not curated:
        raise SkipError("no template names an image of CodeBuild's own")
    offered = {_plain(name) for name in _offered(region)}
    today = region.account.now.date()
    fix = f"name a newer image in seed_code/{{}}/template.yaml, then `{region.account.deploy}`"
    # What AWS has deprecated leaves the list, and still builds: slower, and without patches.
    lost = [image for image in curated if image not in offered and SUPPORT_ENDS.get(image, date.max) > today]
    if lost:
        return broken(f"CodeBuild in {region.name} does not offer {', '.join(lost)}", fix.format(images[lost[0]]))
    ending = [image for image in curated if image in SUPPORT_ENDS and SUPPORT_ENDS[image] - today < NOTICE]
    if ending:
        told = ", ".join(f"{image} until {SUPPORT_ENDS[image]}" for image in ending)
        return warning(f"builds work, but images are patched only so long: {told}", fix.format(images[ending[0]]))
    return ok(f"CodeBuild offers {', '.join(curated)}")


def template_images(source: Product) -> Iterator[str]:
    """Images of a template's build projects; for one that is a parameter, each value that it may have."""
    parameters = {name: fields(node) for name, node in source.source.section("Parameters").items()}
    for resource in source.source.section("Resources").values():
        described = fields(resource)
        if text_of(described.get("Type")) == "AWS::CodeBuild::Project":
            image = fields(fields(described.get("Properties")).get("Environment")).get("Image")
            yield from _values(image, parameters)


def _values(image: yaml.Node | None, parameters: Mapping[str, Mapping[str, yaml.Node]]) -> Iterator[str]:
    if not isinstance(image, yaml.ScalarNode):
        return
    if image.tag == TEXT:
        yield image.value
    elif image.tag == "!Ref" and image.value in parameters:
        parameter = parameters[image.value]
        for node in (parameter.get("Default"), *items(parameter.get("AllowedValues"))):
            if (value := text_of(node)) is not None:
                yield value


def _offered(region: StackRegion) -> Iterator[str]:
    for platform in region.client("codebuild").list_curated_environment_images()["platforms"]:
        for language in platform["languages"]:
            for image in language["images"]:
                yield from (image["name"], *image.get("versions", ()))


def _plain(image: str) -> str:
    """Return an image's name in its newer spelling: AWS has two for the same image."""
    return image.replace(f"{_CURATED}amazonlinux2-", f"{_CURATED}amazonlinux-")
