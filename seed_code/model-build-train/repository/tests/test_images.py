import json

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from pipelines import images
from pipelines.images import Image, ImageError, pin
from pipelines.jobs import DEFAULT_INSTANCE as M5


@pytest.mark.parametrize(
    ("region", "uri"),
    [
        ("us-east-1", "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"),
        ("eu-west-1", "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"),
        ("cn-north-1", "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-scikit-learn:1.9-0-cpu-py3"),
    ],
)
def test_the_image_is_the_regions_own(region, uri):
    assert images.job_image(region) == uri


def test_every_account_is_one():
    assert all(len(account) == 12 and account.isdigit() for account in images.ACCOUNTS.values())


def test_an_unknown_region_names_the_setting_that_helps():
    with pytest.raises(images.UnknownRegionError, match="'xx-west-1'; set JOB_IMAGE_URI to an image"):
        images.job_image("xx-west-1")


def test_the_tests_run_with_the_scikit_learn_of_the_image():
    import sklearn  # noqa: PLC0415

    version, build = images.TAG.split("-")[:2]
    assert f"{version}.{build}" == sklearn.__version__


DIGEST = f"sha256:{'0' * 64}"
TAGGED = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
OWN = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/model"
LIST = {"manifests": [{"platform": {"architecture": "arm64"}}, {"platform": {"architecture": "unknown"}}]}
SINGLE = {"config": {"digest": "sha256:c"}}


class Ecr:
    """Answers with a fault, or with an image whose configuration lies behind a URL."""

    def __init__(self, fault: Exception | None = None, manifest: object = None, *, hides: Exception | None = None):
        self.fault, self.manifest, self.hides, self.asked = fault, manifest, hides, []

    def batch_get_image(self, **asked):
        self.asked.append(asked)
        if self.fault:
            raise self.fault
        return {"images": [{"imageId": {"imageDigest": DIGEST}, "imageManifest": json.dumps(self.manifest)}]}

    def get_download_url_for_layer(self, **asked):
        self.asked.append(asked)
        if self.hides:
            raise self.hides
        return {"downloadUrl": f"https://layers/{asked['layerDigest']}"}


def fetched(url):
    assert url == "https://layers/sha256:c"
    return b'{"architecture": "amd64"}'


def refusal(code):
    return ClientError({"Error": {"Code": code}}, "BatchGetImage")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (refusal("AccessDeniedException"), "ECR does not let the build's"),
        (ConnectTimeoutError(endpoint_url="https://api.ecr"), "ECR cannot be reached: "),
    ],
)
def test_a_tag_stays_and_says_why_where_ecr_does_not_tell(fault, why):
    image = pin(TAGGED, Ecr(fault), M5)
    assert image.uri == TAGGED
    assert image.why.startswith(why)


def test_other_faults_of_ecr_are_not_taken_for_one_of_these():
    with pytest.raises(ClientError):
        pin(TAGGED, Ecr(refusal("ServerException")), M5)


def test_an_own_image_is_asked_for_where_it_lies_by_tag_or_digest():
    ecr = Ecr(manifest=SINGLE)
    assert pin(f"{OWN}:3", ecr, M5, fetched) == Image(uri=f"{OWN}@{DIGEST}")
    assert pin(f"{OWN}@{DIGEST}", ecr, M5, fetched) == Image(uri=f"{OWN}@{DIGEST}")
    place = {"registryId": "111122223333", "repositoryName": "team/model"}
    by_tag, layer, by_digest, _ = ecr.asked
    assert by_tag == place | {"imageIds": [{"imageTag": "3"}], "acceptedMediaTypes": list(images.MANIFESTS)}
    assert layer == place | {"layerDigest": "sha256:c"}
    assert by_digest["imageIds"] == [{"imageDigest": DIGEST}]


@pytest.mark.parametrize(
    ("manifest", "instance", "there"),
    [(SINGLE, "ml.m7g.large", "amd64"), (LIST, "ml.m5.large", "arm64")],
)
def test_an_image_for_other_processors_stops_the_build(manifest, instance, there):
    with pytest.raises(
        ImageError, match=rf"it is for {there}, and {instance} has processors of .*; build it for linux/"
    ):
        pin(f"{OWN}:3", Ecr(manifest=manifest), instance, fetched)
    assert pin(f"{OWN}:3", Ecr(manifest=LIST), "ml.c7g.xlarge").why == ""


@pytest.mark.parametrize("manifest", [{}, SINGLE, {"manifests": [{}]}])
def test_processors_that_are_not_known_stop_nothing_and_are_told(manifest):
    image = pin(f"{OWN}:3", Ecr(manifest=manifest, hides=refusal("AccessDeniedException")), M5)
    assert image.uri == f"{OWN}@{DIGEST}"
    assert image.why.startswith("its processors are not known: ")


@pytest.mark.parametrize(
    ("families", "wanted"),
    [(("m5", "g5", "g4dn", "p6-b200"), "amd64"), (("m7g", "c6gd", "g5g", "p6e-gb200"), "arm64")],
)
def test_the_processors_stand_in_the_name_of_an_instance_type(families, wanted):
    assert {images.architecture(f"ml.{family}.xlarge") for family in families} == {wanted}
