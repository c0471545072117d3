"""What people need who launch the catalog's templates from S3, by the other route of SageMaker Projects: as data.

SageMaker calls CloudFormation in the name of the person, who hands over the launch role. So the same rights would let
the person hand that role to a template of their own: only the address of the template tells the two apart. Actions and
the names of stacks are those of AWS's own example (aws-samples/sagemaker-custom-project-templates, `s3_templates`).
"""

from collections.abc import Mapping, Sequence

from awsmodel.arns import ANY, ArnScope
from awsmodel.regions import Region
from components.iam.policies import Statement, allow

PROJECT_STACKS = "stack/SP-*"
"""Stacks that SageMaker makes from templates in S3."""

_FOLDER = "studio"
"""Start of the keys of what Studio lists."""


def studio_statements(
    home: Region, account_id: str, launch_role_arn: str, buckets: Mapping[str, Region]
) -> list[Statement]:
    """Lists the templates, and creates, updates and deletes projects of them; of no other template.

    The denies hold whatever else the person's role is allowed: rights on CloudFormation are common among people who
    work in notebooks.

    Args:
        home: gives the partition.
        account_id: the account.
        launch_role_arn: the role that launches.
        buckets: the distribution buckets, with the region of each.
    """
    arns = ArnScope.of(home, account_id).in_region(ANY)
    stacks = arns.each("cloudformation", PROJECT_STACKS)
    urls = [url for bucket, region in buckets.items() for url in template_urls(bucket, region)]
    ours, others = ({operator: {"cloudformation:TemplateUrl": urls}} for operator in ("StringLike", "StringNotLike"))
    launching = {"cloudformation:RoleArn": launch_role_arn}
    return [
        allow(
            "FindTemplates",
            ["s3:ListBucket"],
            [arns.bucket(bucket) for bucket in buckets],
            {"StringLike": {"s3:prefix": f"{_FOLDER}/*"}},
        ),
        allow(
            "ReadTemplates",
            ["s3:GetObject", "s3:GetObjectTagging"],
            [arns.object(bucket, f"{_FOLDER}/*") for bucket in buckets],
        ),
        allow(
            "Projects",
            [
                *("sagemaker:AddTags", "sagemaker:CreateProject", "sagemaker:DeleteProject"),
                *("sagemaker:DescribeProject", "sagemaker:UpdateProject"),
            ],
            arns.each("sagemaker", "project/*"),
        ),
        allow("FindProjects", ["sagemaker:ListProjects"], ["*"]),  # the call knows no resource
        allow("LaunchTemplates", ["cloudformation:CreateStack"], stacks, {**ours, "ArnEquals": launching}),
        # SageMaker's UpdateProject takes no role: a stack keeps the one that it was made with.
        allow("UpdateTemplates", ["cloudformation:UpdateStack"], stacks, {**ours, "ArnEqualsIfExists": launching}),
        allow("DeleteStacks", ["cloudformation:DeleteStack"], stacks, {"ArnEqualsIfExists": launching}),
        allow(
            "Stacks",
            ["cloudformation:DescribeStacks", "cloudformation:TagResource", "cloudformation:UntagResource"],
            stacks,
        ),
        allow(
            "PassLaunchRole",
            ["iam:PassRole"],
            [launch_role_arn],
            {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        ),
        # A request with the text of a template has no address, and a negated operator takes it, too.
        _deny(
            "DenyOtherTemplates",
            ["cloudformation:CreateChangeSet", "cloudformation:CreateStack", "cloudformation:UpdateStack"],
            ["*"],  # a deny: the wider, the safer
            {**others, "ArnEquals": launching},
        ),
        # These need not name the role again.
        _deny("DenyOtherUpdates", ["cloudformation:CreateChangeSet", "cloudformation:UpdateStack"], stacks, others),
    ]


def template_urls(bucket: str, region: Region) -> list[str]:
    """Addresses of the templates that Studio lists, in each form that S3 takes ("Virtual hosting of buckets").

    The only wildcard stands behind the bucket's name. Before it, somebody's own bucket would match.
    """
    hosts = [f"s3.{region.name}.{region.dns_suffix}", f"s3.{region.dns_suffix}"]
    return [f"https://{address}/{_FOLDER}/*" for host in hosts for address in (f"{bucket}.{host}", f"{host}/{bucket}")]


def _deny(sid: str, actions: Sequence[str], resources: Sequence[str], condition: Statement) -> Statement:
    return {**allow(sid, actions, resources, condition), "Effect": "Deny"}
