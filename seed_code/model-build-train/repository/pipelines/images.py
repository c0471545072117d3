"""The image of the jobs and of the endpoint, by region.

AWS publishes its scikit-learn images from one account per region. The accounts below are those of the tables that
the SageMaker Python SDK ships (`sagemaker-core` 2.27.0, `image_uri_config/sklearn.json`, version 1.9-0). A region that
is not here needs the setting JOB_IMAGE_URI.
"""

REPOSITORY = "sagemaker-scikit-learn"
TAG = "1.9-0-cpu-py3"
"""scikit-learn 1.9.0, NumPy 2.5.1, Python 3.12; `requirements-dev.in` pins the same for the tests."""

ACCOUNTS = {
    "af-south-1": "510948584623",
    "ap-east-1": "651117190479",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "341280168497",
    "ca-west-1": "190319476487",
    "cn-north-1": "450853457545",
    "cn-northwest-1": "451049120500",
    "eu-central-1": "492215442770",
    "eu-central-2": "680994064768",
    "eu-north-1": "662702820516",
    "eu-south-1": "978288397137",
    "eu-south-2": "104374241257",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "me-south-1": "801668240914",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-gov-east-1": "237065988967",
    "us-gov-west-1": "414596584902",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}


class UnknownRegionError(ValueError):
    """No image account is known for a region."""


def job_image(region: str) -> str:
    """Return the image URI for a region.

    Raises:
        UnknownRegionError: the region is not in the table.
    """
    account = ACCOUNTS.get(region)
    if account is None:
        raise UnknownRegionError(
            f"AWS_REGION: no scikit-learn image account is known for {region!r}; set JOB_IMAGE_URI to an image that "
            f"holds scikit-learn ({', '.join(sorted(ACCOUNTS))} need no setting)"
        )
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{suffix}/{REPOSITORY}:{TAG}"
