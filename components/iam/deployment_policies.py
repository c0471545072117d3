"""What a test of a deployment option may do: deploy stacks under test, and try them as a data scientist does.

Every name of a stack under test begins with the project's name and `-t`, and so do the names of its projects. What is
launched from Service Catalog has no such name in IAM: a call on it knows no resource, only whether the caller's role
has launched it. So one role launches and ends the projects of all tests, and the builds act as it for that.
"""

from components.core.naming import Names
from components.iam.delivery_policies import StackScope, change_statements
from components.iam.policies import Statement, allow
from components.iam.role_documents import WELL_KNOWN_LAUNCH_ROLE, WELL_KNOWN_PATH, RoleDocument
from components.iam.studio_policies import PROJECT_STACKS

_PROJECTS = "t*"
"""Names of the projects that tests create."""


def testing_role(target: StackScope) -> RoleDocument:
    """Role of a build that brings stacks under test up and destroys them, whoever assumes it."""
    return RoleDocument(
        key="delivery.tests",
        name=f"{target.prefix}-tests",
        purpose="Brings stacks under test up and destroys them",
        trust=[],
        statements=change_statements(target),
    )


def scientist_role(target: StackScope, names: Names) -> RoleDocument:
    """Role that creates, watches and deletes the projects of tests.

    Args:
        target: the stacks under test.
        names: physical names of the environment that tests.
    """
    # The builds' roles carry the names of their projects, which are in many regions.
    builders = (f"{names.test_pipeline('').value}*", f"{names.sweep_pipeline.value}-*")
    return RoleDocument(
        key="delivery.tests.scientist",
        name=names.test_scientist.value,
        purpose="Creates, tries and deletes the projects of deployment tests",
        trust=[
            {
                "Effect": "Allow",
                "Principal": {"AWS": target.scope.root()},
                "Action": "sts:AssumeRole",
                # As principals they would have to exist first.
                "Condition": {"ArnLike": {"aws:PrincipalArn": [target.scope.role(name) for name in builders]}},
            }
        ],
        statements=scientist_statements(target),
    )


def scientist_statements(target: StackScope) -> list[Statement]:
    """Creates, watches, approves and deletes the projects of tests."""
    stacks = target.arns("cloudformation", PROJECT_STACKS)
    launching = [
        target.scope.role(f"{target.prefix}-project-launch"),
        target.scope.role(WELL_KNOWN_LAUNCH_ROLE, WELL_KNOWN_PATH),
        # A role that launches is handed over for a launch constraint, too.
        *target.supplied_role_arns.get("servicecatalog.amazonaws.com", ()),
    ]
    return [
        allow(
            "Projects",
            [
                *("sagemaker:AddTags", "sagemaker:CreateProject", "sagemaker:DeleteProject"),
                "sagemaker:DescribeProject",
            ],
            target.arns("sagemaker", f"project/{_PROJECTS}"),
        ),
        allow(
            "Models",
            [
                *("sagemaker:DeleteModelPackage", "sagemaker:DeleteModelPackageGroup"),
                *("sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"),
            ],
            target.arns(
                "sagemaker", f"model-package/sagemaker-{_PROJECTS}", f"model-package-group/sagemaker-{_PROJECTS}"
            ),
        ),
        # SageMaker's pipelines carry the id of their project, which nobody chooses.
        allow(
            "Trainings",
            ["sagemaker:ListPipelineExecutions", "sagemaker:ListPipelineExecutionSteps"],
            target.arns("sagemaker", "pipeline/sagemaker-p-*"),
        ),
        allow(
            "Pipelines",
            [
                *("codepipeline:GetPipelineState", "codepipeline:ListPipelineExecutions"),
                "codepipeline:PutApprovalResult",
            ],
            target.arns("codepipeline", f"sagemaker-{_PROJECTS}"),
        ),
        # Calls that know no resource; what Service Catalog lets the caller launch, the portfolio's principals say.
        allow(
            "Find",
            [
                *("codepipeline:ListPipelines", "sagemaker:ListModelPackageGroups", "sagemaker:ListModelPackages"),
                *("sagemaker:ListPipelines", "servicecatalog:DescribeProduct"),
                *("servicecatalog:DescribeProvisioningParameters", "servicecatalog:ListLaunchPaths"),
                *("servicecatalog:ProvisionProduct", "servicecatalog:SearchProducts"),
            ],
            ["*"],
        ),
        # These know no resource either, but whose launch it is: people's are none of a test's.
        allow(
            "OwnLaunches",
            [
                *("servicecatalog:DescribeProvisionedProduct", "servicecatalog:DescribeRecord"),
                "servicecatalog:TerminateProvisionedProduct",
            ],
            ["*"],
            {"StringEquals": {"servicecatalog:roleLevel": "self"}},
        ),
        # Studio's other route: it lists templates in S3, and CloudFormation launches one as the launch role.
        allow("FindTemplates", ["s3:ListBucket"], [target.scope.bucket(f"{target.prefix}-products-*")]),
        allow("ReadTemplates", ["s3:GetObject", "s3:GetObjectTagging"], target.objects()),
        # Of a stack under test a pattern of its buckets' names is all that is known; whoever runs the test fills them.
        allow(
            "LaunchTemplates",
            ["cloudformation:CreateStack"],
            stacks,
            {
                "StringLike": {"cloudformation:TemplateUrl": f"https://{target.prefix}-products-*"},
                "ArnLike": {"cloudformation:RoleArn": launching},
            },
        ),
        allow(
            "ProjectsFromS3",
            ["cloudformation:DeleteStack", "cloudformation:DescribeStacks", "cloudformation:TagResource"],
            stacks,
        ),
        allow(
            "PassLaunchRole",
            ["iam:PassRole"],
            launching,
            {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        ),
    ]
