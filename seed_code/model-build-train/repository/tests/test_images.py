import pytest

from pipelines import images


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
