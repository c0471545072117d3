import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from pipelines import images
from pipelines.images import Image, pin


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


class Ecr:
    """Answers with a fault, or is never asked."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault

    def batch_get_image(self, **_):
        assert self.fault, "ECR must not be asked"
        raise self.fault


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "BatchGetImage"), "ECR does not let the build's"),
        (ConnectTimeoutError(endpoint_url="https://api.ecr"), "ECR cannot be reached: "),
    ],
)
def test_a_tag_stays_and_says_why_where_ecr_does_not_tell(fault, why):
    image = pin(TAGGED, Ecr(fault))
    assert (image.uri, image.pinned) == (TAGGED, False)
    assert image.why.startswith(why)


def test_other_faults_of_ecr_are_not_taken_for_one_of_these():
    with pytest.raises(ClientError):
        pin(TAGGED, Ecr(ClientError({"Error": {"Code": "ServerException"}}, "BatchGetImage")))


def test_what_needs_no_question_is_not_asked():
    digest = f"{TAGGED.partition(':')[0]}@{DIGEST}"
    assert pin(digest, Ecr()) == Image(uri=digest, pinned=True)
    assert pin("example.com/own/image:1", Ecr()).why == "it is no tag in ECR"
