"""Who sees and launches what: portfolio, products, constraints, sharing, and what the launch role may do."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

import settings
from awsmodel.principals import principal_type
from components.catalog.project_roles import RoleError
from components.packaging import Fault, VersionName, discover, seed_code
from components.packaging.seed_code import SEED_CODE
from tests.support.access import decision
from tests.support.delivery_example import SECTION, example
from tests.support.recording import Recording, recorded, run_program, stack_values
from tests.unit.settings.test_settings import MINIMAL, faults
from tools.check.recording import nothing_looked_up

HOME = "us-east-2"
ROLE = "arn:aws:iam::111122223333:role/team/DataScientist"
BUCKET = f"sm-mlops-dev-products-111122223333-{HOME}-an"
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
UNIT = "arn:aws:organizations::111122223333:ou/o-abcdefghij/ou-ab12-cdefghij"


def with_catalog(**changes: object) -> Recording:
    return recorded(catalog_values(**changes))


def catalog_values(**changes: object) -> dict[str, Any]:
    values = stack_values("dev")
    values["sm-mlops:catalog"] |= changes
    return values


def constraints(recording: Recording, slug: str = "model-deploy") -> dict[str, Any]:
    found = recording.of_type("aws:servicecatalog/constraint:Constraint")
    return {
        constraint.inputs["type"]: json.loads(constraint.inputs["parameters"])
        for constraint in found
        if f"-{slug}-" in constraint.name
    }


def statements(recording: Recording, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = recording.named(name).policy()["Statement"]
    return found


def test_without_the_section_there_is_no_catalog() -> None:
    values = stack_values("dev")
    del values["sm-mlops:catalog"]
    recording = recorded(values)
    assert not [name for name in recording.names() if name.startswith("catalog")]
    assert "catalog" not in recording.outputs


def test_studio_offers_every_product(dev: Recording) -> None:
    products = dev.of_type("aws:servicecatalog/product:Product")
    assert {product.inputs["name"] for product in products} == {
        "MLOps model building and training (sm-mlops-dev)",
        "MLOps model deployment (sm-mlops-dev)",
    }
    assert all(product.inputs["tags"]["sagemaker:studio-visibility"] == "true" for product in products)


def test_a_product_is_never_replaced_by_a_new_version(dev: Recording) -> None:
    for product in dev.of_type("aws:servicecatalog/product:Product"):
        assert list(product.request.ignoreChanges) == ["provisioningArtifactParameters"]


def test_constraints_wait_for_the_association_and_the_version_for_all_of_it(dev: Recording) -> None:
    """So AWS takes the constraints, and a product that is in use is refused while nothing of it is gone yet."""
    name = f"catalog-{HOME}-model-deploy"
    assert f"{name}-association" in dev.named(f"{name}-launch").depends_on
    assert {
        f"{name}-files",
        f"{name}-launch",
        f"{name}-resource-update",
        f"catalog-{HOME}-any-account/role/*DataScientist*",
        f"catalog-{HOME}-policy",
    } <= dev.named(f"{name}-version").depends_on
    assert f"catalog-{HOME}-bucket" in dev.named(f"{name}-files").depends_on


def test_what_of_a_template_nobody_can_judge_is_told_with_the_preview(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = seed_code.product
    note = Fault("template.yaml", 7, "what the transform Own makes of the template is known to CloudFormation only")
    monkeypatch.setattr(seed_code, "product", lambda slug: replace(read(slug), notes=(note,)))
    run_program(stack_values("dev"))
    assert caplog.messages == [f"seed_code/{slug}/{note}" for slug in ("model-build-train", "model-deploy")]


def test_products_are_launched_by_the_role_that_the_stack_makes(dev: Recording) -> None:
    assert constraints(dev) == {
        "LAUNCH": {"RoleArn": "arn:aws:iam::111122223333:role/sm-mlops-dev-project-launch"},
        "RESOURCE_UPDATE": {"Version": "2.0", "Properties": {"TagUpdateOnProvisionedProduct": "ALLOWED"}},
    }


def test_a_given_launch_role_of_a_shared_portfolio_is_looked_for_where_the_launch_happens() -> None:
    given = "arn:aws:iam::111122223333:role/service-role/Launch"
    values = stack_values("dev")
    values["sm-mlops:catalog"] |= {"shares": [{"type": "ACCOUNT", "principalId": "444455556666"}]}
    values["sm-mlops:iam"] = {"launch": {"mode": "supplied", "roleArn": given}}
    assert constraints(recorded(values))["LAUNCH"] == {"LocalRoleName": "Launch"}


def test_a_shared_portfolio_is_launched_by_the_role_of_that_name_where_it_happens() -> None:
    recording = with_catalog(shares=[{"type": "ACCOUNT", "principalId": "444455556666"}])
    assert constraints(recording)["LAUNCH"] == {"LocalRoleName": "sm-mlops-dev-project-launch"}
    (share,) = recording.of_type("aws:servicecatalog/portfolioShare:PortfolioShare")
    assert share.inputs["sharePrincipals"] is True
    assert share.inputs["shareTagOptions"] is True


@pytest.mark.parametrize(
    ("share", "context", "principal"),
    [
        ({"type": "ACCOUNT", "principalId": "444455556666"}, {}, "arn:aws:iam::444455556666:root"),
        ({"type": "ORGANIZATION", "principalId": "o-abcdefghij"}, {"aws:PrincipalOrgID": "o-abcdefghij"}, "anybody"),
    ],
    ids=["account", "organization"],
)
def test_whom_the_portfolio_is_shared_with_reads_the_products_and_nothing_else(
    share: dict[str, str], context: dict[str, str], principal: str
) -> None:
    policy = statements(with_catalog(shares=[share]), f"catalog-{HOME}-policy")
    product, other = f"arn:aws:s3:::{BUCKET}/products/x/template/1.yaml", f"arn:aws:s3:::{BUCKET}/studio/x.yaml"
    assert decision(policy, principal, "s3:GetObject", product, {**TLS, **context}) == "allow"
    assert decision(policy, principal, "s3:GetObject", other, {**TLS, **context}) == "none"
    assert decision(policy, principal, "s3:PutObject", product, {**TLS, **context}) == "none"
    assert decision(policy, "arn:aws:iam::999999999999:root", "s3:GetObject", product, TLS) == "none"


@pytest.mark.parametrize("above", ["", "ou-ab12-abcdefgh/", "ou-ab12-abcdefgh/ou-ab12-abcdefgi/"])
@pytest.mark.parametrize(
    ("organization", "unit", "expected"),
    [
        ("o-abcdefghij", "ou-ab12-cdefghij", "allow"),
        ("o-abcdefghij", "ou-ab12-another1", "none"),
        ("o-somebodyel", "ou-ab12-cdefghij", "none"),
    ],
)
def test_an_organizational_unit_is_recognised_by_its_path_in_its_own_organization(
    organization: str, unit: str, expected: str, above: str
) -> None:
    policy = statements(
        with_catalog(shares=[{"type": "ORGANIZATIONAL_UNIT", "principalId": UNIT}]),
        f"catalog-{HOME}-policy",
    )
    context = {
        "aws:PrincipalOrgPaths": [f"{organization}/r-ab12/{above}{unit}/"],
        "aws:PrincipalOrgID": organization,
    }
    product = f"arn:aws:s3:::{BUCKET}/products/x/template/1.yaml"
    assert decision(policy, ROLE, "s3:GetObject", product, {**TLS, **context}) == expected


@pytest.mark.parametrize(
    ("kind", "arn"),
    [("ORGANIZATION", "arn:aws:organizations::111122223333:organization/o-abcdefghij"), ("ORGANIZATIONAL_UNIT", UNIT)],
)
def test_a_part_of_an_organization_is_shared_with_by_the_id_that_its_arn_ends_in(kind: str, arn: str) -> None:
    """Service Catalog takes no ARN of another partition than `aws`, and tells the id alone."""
    recording = with_catalog(shares=[{"type": kind, "principalId": arn}])
    (share,) = recording.of_type("aws:servicecatalog/portfolioShare:PortfolioShare")
    assert share.inputs["principalId"] == arn.rpartition("/")[2]
    assert share.name == f"catalog-{HOME}-{share.inputs['principalId']}"


@pytest.mark.parametrize(
    "share",
    [{"type": "ORGANIZATION", "principalId": "o-abcdefghij"}, {"type": "ORGANIZATIONAL_UNIT", "principalId": UNIT}],
)
def test_s3_counts_the_buckets_policy_as_not_public(share: dict[str, str]) -> None:
    """Where everybody is meant, a key of those that S3 knows has a fixed value: no wildcard and no variable."""
    fixed = {"aws:PrincipalOrgID", "aws:SourceAccount", "aws:SourceArn", "aws:SourceVpc", "aws:SourceVpce"}
    for statement in statements(with_catalog(shares=[share]), f"catalog-{HOME}-policy"):
        if statement["Effect"] == "Allow" and statement["Principal"] == "*":
            (bound,) = [value for key, value in statement["Condition"]["StringEquals"].items() if key in fixed]
            assert not set("*?$") & set(bound)


def test_principals_are_roles_or_patterns() -> None:
    assert principal_type(ROLE) == "IAM"
    assert principal_type("arn:aws:iam:::role/*DataScientist*") == "IAM_PATTERN"
    associations = with_catalog(principals=[ROLE]).of_type(
        "aws:servicecatalog/principalPortfolioAssociation:PrincipalPortfolioAssociation"
    )
    assert [item.inputs["principalType"] for item in associations] == ["IAM"]


def test_tag_options_budget_notification_and_template_rules_are_made_when_asked_for() -> None:
    rules = {"Stack": {"Assertions": [{"Assert": {"Fn::Equals": [{"Ref": "DeploymentTarget"}, "STACK"]}}]}}
    recording = with_catalog(
        tagOptions={"cost-center": ["ml", "research"]},
        budget={"monthlyUsd": 5000, "emails": ["ml-owners@example.com"]},
        notifyLaunches=True,
        rules={"model-deploy": rules},
    )
    options = recording.of_type("aws:servicecatalog/tagOption:TagOption")
    assert {(item.inputs["key"], item.inputs["value"]) for item in options} == {
        ("cost-center", "ml"),
        ("cost-center", "research"),
    }
    assert recording.named(f"catalog-{HOME}-budget").inputs["limitAmount"] == "5000"
    assert constraints(recording)["TEMPLATE"] == {"Rules": rules}
    assert constraints(recording)["NOTIFICATION"] == {
        "NotificationArns": [f"arn:aws:sns:{HOME}:111122223333:sm-mlops-dev-notifications"]
    }
    assert "TEMPLATE" not in constraints(recording, "model-build-train")


def test_the_catalog_is_offered_in_every_region_of_the_settings_with_one_launch_role() -> None:
    recording = with_catalog(regions=[HOME, "eu-west-1"])
    portfolios = recording.of_type("aws:servicecatalog/portfolio:Portfolio")
    assert {portfolio.region for portfolio in portfolios} == {HOME, "eu-west-1"}
    assert len(recording.of_type("aws:servicecatalog/product:Product")) == 4
    assert len(recording.of_type("aws:iam/role:Role")) == 1
    assert set(recording.outputs["catalog"]) == {HOME, "eu-west-1"}


def test_a_shared_template_names_the_boundary_of_the_account_where_it_is_launched_and_no_topic_of_this_one() -> None:
    recording = with_catalog(shares=[{"type": "ACCOUNT", "principalId": "444455556666"}])
    (files,) = [item for item in recording.resources if item.name.endswith("-deploy-files")]
    assert files.inputs["environment"]["Roles"]["PermissionsBoundary"] == "sm-mlops-dev-project-boundary"
    assert files.inputs["environment"]["Notifications"]["TopicArn"] == ""
    assert "111122223333" not in json.dumps({**files.inputs["environment"], "Seed": {}})


def test_projects_of_another_region_are_not_told_of_the_topic_of_the_home_region() -> None:
    recording = with_catalog(regions=[HOME, "eu-west-1"])
    files = {
        item.region: item.inputs["environment"] for item in recording.resources if item.name.endswith("-deploy-files")
    }
    assert files[HOME]["Notifications"]["TopicArn"].endswith(":sm-mlops-dev-notifications")
    assert files["eu-west-1"]["Notifications"]["TopicArn"] == ""


def versions(recording: Recording) -> dict[str, str]:
    found: dict[str, str] = recording.outputs["catalog"][HOME]["versions"]
    return found


def test_two_environments_show_by_one_part_of_the_name_that_they_offer_the_same(
    dev: Recording, prod: Recording
) -> None:
    contents = dev.outputs["catalog"][HOME]["contents"]
    assert prod.outputs["catalog"][HOME]["contents"] == contents
    for slug, content in contents.items():
        names = [VersionName.read(versions(recording)[slug]) for recording in (dev, prod)]
        assert [name.of_content for name in names if name] == [content, content]
        assert len({name.environment for name in names if name}) == 2


def test_what_may_not_go_is_known_by_region_and_product(dev: Recording) -> None:
    (offered,) = dev.of_type("pulumi-python:dynamic/servicecatalog:OfferedProducts")
    assert offered.inputs["products"] == {
        f"{HOME}/{slug}": f"catalog-{HOME}-{slug}-product-id" for slug in ("model-build-train", "model-deploy")
    }


def test_studio_lists_templates_from_s3_where_a_domain_is_named() -> None:
    recording = with_catalog(studioDomains={HOME: ["d-abcdefghijkl"]})
    (tag,) = [item for item in recording.resources if item.type.endswith(":DomainTag")]
    assert tag.inputs["value"] == f"s3://{BUCKET}/studio/"
    assert tag.inputs["key"] == "sagemaker:projectS3TemplatesLocation"
    (cors,) = recording.of_type("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration")
    assert cors.inputs["corsRules"][0]["allowedOrigins"] == ["https://*.sagemaker.aws"]
    (files,) = [item for item in recording.resources if item.name.endswith("-deploy-files")]
    assert files.inputs["studioKey"].startswith(f"studio/model-deploy.{seed_code.product('model-deploy').version}-")


def from_s3_only(**changes: object) -> dict[str, Any]:
    values = stack_values("dev")
    domains = {HOME: ["d-research"]}
    section = {"products": ["model-deploy"], "serviceCatalog": False, "studioDomains": domains, **changes}
    values["sm-mlops:catalog"] = {key: value for key, value in section.items() if value is not None}
    return values


def test_without_service_catalog_studio_alone_offers_the_products() -> None:
    recording = recorded(from_s3_only())
    assert not [one for one in recording.resources if "servicecatalog" in one.type]
    (files,) = recording.of_type("pulumi-python:dynamic/s3:ProductFiles")
    assert files.inputs["studioKey"].startswith("studio/model-deploy")
    assert recording.of_type("pulumi-python:dynamic/sagemaker:DomainTag")
    assert "catalog-roles-launch" in recording.names(), "whoever creates a project chooses this role"
    assert set(recording.outputs["catalog"][HOME]) == {"bucket", "versions", "contents"}
    assert files.inputs["files"]["template.yaml"], "nothing else tells what a release changes"


def test_without_service_catalog_every_region_needs_a_domain_and_no_portfolio_is_spoken_of() -> None:
    found = faults(from_s3_only(studioDomains=None, principals=[ROLE], keepVersions=3))
    assert found == [
        "sm-mlops:catalog.principals: has no effect with serviceCatalog: false; leave it out",
        "sm-mlops:catalog.keepVersions: has no effect with serviceCatalog: false; leave it out",
        f"sm-mlops:catalog.studioDomains: names no domain of {HOME!r}; with serviceCatalog: false nobody would find "
        "the products there",
    ]


def test_no_domain_no_list(dev: Recording) -> None:
    assert not dev.of_type("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration")
    assert not [item for item in dev.resources if item.inputs.get("studioKey")]


def launch(recording: Recording, action: str, resource: str, **context: str) -> str:
    return decision(statements(recording, "catalog-roles-launch-policy"), "launch", action, resource, context)


def test_the_launch_role_makes_roles_only_within_the_boundary(dev: Recording) -> None:
    """Otherwise launching would be a way to any right in the account."""
    role = "arn:aws:iam::111122223333:role/sagemaker-p-1-build-codebuild"
    boundary = "arn:aws:iam::111122223333:policy/sm-mlops-dev-project-boundary"
    assert launch(dev, "iam:CreateRole", role, **{"iam:PermissionsBoundary": boundary}) == "allow"
    assert launch(dev, "iam:CreateRole", role) == "none"
    assert launch(dev, "iam:PutRolePolicy", role, **{"iam:PermissionsBoundary": f"{boundary}-other"}) == "none"
    assert launch(dev, "iam:DeleteRolePermissionsBoundary", role) == "none"
    assert (
        launch(dev, "iam:CreateRole", "arn:aws:iam::111122223333:role/admin", **{"iam:PermissionsBoundary": boundary})
        == "none"
    )
    assert launch(dev, "iam:PassRole", role, **{"iam:PassedToService": "codebuild.amazonaws.com"}) == "allow"
    assert launch(dev, "iam:PassRole", role, **{"iam:PassedToService": "ec2.amazonaws.com"}) == "none"


def test_the_launch_role_reads_seed_code_only_with_its_tag(dev: Recording) -> None:
    seed = f"arn:aws:s3:::{BUCKET}/products/model-deploy/seed/1.zip"
    tag = {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}
    assert launch(dev, "s3:GetObject", seed, **tag) == "allow"
    assert launch(dev, "s3:GetObject", seed) == "none"
    assert launch(dev, "s3:PutObject", seed, **tag) == "none"


def test_the_launch_role_reads_the_copy_of_a_template_that_service_catalog_keeps(dev: Recording) -> None:
    tag = {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}
    assert launch(dev, "s3:GetObject", "arn:aws:s3:::sc-111122223333-pp-abc/template", **tag) == "allow"


def test_the_launch_role_tells_the_topic_only_where_launches_are_notified(dev: Recording) -> None:
    topic = f"arn:aws:sns:{HOME}:111122223333:sm-mlops-dev-notifications"
    assert launch(dev, "sns:Publish", topic) == "none"
    assert launch(with_catalog(notifyLaunches=True), "sns:Publish", topic) == "allow"


def test_the_launch_role_touches_nothing_outside_its_names(dev: Recording) -> None:
    for action, resource in {
        "codecommit:DeleteRepository": "arn:aws:codecommit:us-east-2:111122223333:sm-mlops-dev",
        "cloudformation:DeleteStack": "arn:aws:cloudformation:us-east-2:111122223333:stack/payroll/1",
        "lambda:DeleteFunction": "arn:aws:lambda:us-east-2:111122223333:function:payroll",
        "s3:DeleteBucket": "arn:aws:s3:::payroll",
    }.items():
        assert launch(dev, action, resource) == "none", action


@pytest.mark.parametrize("name", ["catalog-roles-launch-policy", "catalog-roles-boundary"])
def test_policies_fit_into_iams_limits(name: str) -> None:
    """10,240 characters for a role's inline policy, 6,144 for a managed one, without white space."""
    recording = with_catalog(regions=[HOME, "eu-west-1", "eu-central-1", "eu-west-2"])
    size = len(json.dumps(recording.named(name).policy(), separators=(",", ":")))
    assert size <= (10_240 if name.endswith("-policy") else 6_144)


def test_projects_deploy_stack_sets_only_where_the_settings_name_the_role() -> None:
    """Whoever passes that role can do in the target accounts what the execution role there can do."""
    role = "arn:aws:iam::111122223333:role/StackSetAdministration"
    for recording, expected in ((with_catalog(), "none"), (with_catalog(stackSetRoleArn=role), "allow")):
        assert decision(statements(recording, "catalog-roles-boundary"), "role", "iam:PassRole", role, {}) == expected


def test_a_preview_warns_where_no_data_buckets_are_named(caplog: pytest.LogCaptureFixture) -> None:
    """A stack of an earlier release keeps what its projects read, and is told so."""
    for named, expected in ((None, ["sm-mlops:catalog.dataBuckets is missing: "]), (["acme-data"], [])):
        caplog.clear()
        boundary = statements(run_program(catalog_values(dataBuckets=named)), "catalog-roles-boundary")
        assert [message[:41] for message in caplog.messages] == expected
        for bucket, may in (("acme-data", "allow"), ("payroll", "none" if named else "allow")):
            assert decision(boundary, "role", "s3:GetObject", f"arn:aws:s3:::{bucket}/a.csv", {}) == may


def test_projects_are_kept_from_the_state_that_the_delivery_names() -> None:
    recording = recorded({**stack_values("dev"), SECTION: example()})
    boundary = statements(recording, "catalog-roles-boundary")
    (state,) = re.findall(r"s3://([a-z0-9.-]+)", example()["backendUrl"])
    assert decision(boundary, "role", "s3:GetObject", f"arn:aws:s3:::{state}/.pulumi/stacks/dev.json", {}) == "deny"


def test_a_boundary_that_iam_would_refuse_is_told_by_the_preview() -> None:
    with pytest.raises(RoleError, match=r"would have \d+ characters, and IAM takes 6144: name fewer buckets in"):
        with_catalog(dataBuckets=[f"acme-training-data-of-{number:02}-team" for number in range(60)])


def test_no_project_role_reaches_peoples_studio(dev: Recording) -> None:
    boundary = statements(dev, "catalog-roles-boundary")
    domain = "arn:aws:sagemaker:us-east-2:111122223333:domain/d-1"
    assert decision(boundary, "role", "sagemaker:DeleteDomain", domain, {}) == "deny"
    assert decision(boundary, "role", "iam:CreateUser", "arn:aws:iam::111122223333:user/x", {}) == "none"


@pytest.mark.parametrize(
    ("catalog", "fault"),
    [
        (
            {"products": ["model-deply"]},
            "sm-mlops:catalog.products[0]: 'model-deply' is not allowed; did you mean 'model-deploy'? (allowed: "
            f"{', '.join(discover(SEED_CODE))})",
        ),
        (
            {"products": ["model-deploy"], "principals": ["DataScientist"]},
            "sm-mlops:catalog.principals[0]: 'DataScientist': the ARN of a role, group or user, or a pattern "
            "(with * or ?) of one without an account",
        ),
        (
            {"products": ["model-deploy"], "shares": [{"type": "ACCOUNT", "principalId": "12"}]},
            "sm-mlops:catalog.shares[0].principalId: '12': an account id, or the ARN of an organization or of an "
            "organizational unit",
        ),
        (
            {"products": ["model-deploy"], "principals": ["arn:aws:iam::111122223333:role/Data*"]},
            "sm-mlops:catalog.principals[0]: 'arn:aws:iam::111122223333:role/Data*': the ARN of a role, group or user, "
            "or a pattern (with * or ?) of one without an account",
        ),
        (
            {"products": ["model-deploy"], "shares": [{"type": "ACCOUNT", "principalId": "o-abcdefghij"}]},
            "sm-mlops:catalog.shares[0].principalId: 'o-abcdefghij' is not what ACCOUNT names: an account's id",
        ),
        (
            {
                "products": ["model-deploy"],
                "shares": [{"type": "ORGANIZATIONAL_UNIT", "principalId": "ou-ab12-cdefghij"}],
            },
            "sm-mlops:catalog.shares[0].principalId: 'ou-ab12-cdefghij' is not what ORGANIZATIONAL_UNIT names: "
            "arn:<partition>:organizations::<management account>:ou/<o-...>/<ou-...>, as "
            "`aws organizations describe-organizational-unit` tells it",
        ),
        ({"products": []}, "sm-mlops:catalog.products: the list is empty; it needs at least one entry"),
        (
            {"products": ["model-deploy"], "keepVersion": 3},
            "sm-mlops:catalog.keepVersion: unknown key; did you mean 'keepVersions'? (allowed: products, regions, "
            "providerName, description, principals, tagOptions, shares, budget, keepVersions, "
            "stackSetRoleArn, notifyLaunches, rules, serviceCatalog, studioDomains, projectSource, "
            "projectKeyArns, dataBuckets)",
        ),
    ],
    ids=[
        "unknown product",
        "principal",
        "share",
        "wildcard in an account",
        "share of another kind",
        "unit without its organization",
        "none",
        "unknown key",
    ],
)
def test_faults_of_the_section(catalog: dict[str, Any], fault: str) -> None:
    assert faults({**MINIMAL, "sm-mlops:catalog": catalog}) == [fault]


def test_domains_and_keys_are_of_regions_of_the_catalog() -> None:
    catalog = {"products": ["model-deploy"], "studioDomains": {"eu-west-1": ["d-1"]}, "rules": {"model-x": {}}}
    assert faults({**MINIMAL, "sm-mlops:catalog": catalog}) == [
        "sm-mlops:catalog.studioDomains: 'eu-west-1' is not a region of the catalog (its regions: us-east-2)",
        "sm-mlops:catalog.rules: 'model-x' is not a product of the catalog (its products: model-deploy)",
    ]


def test_a_minimal_section_is_enough() -> None:
    read = settings.parse({**MINIMAL, "sm-mlops:catalog": {"products": ["model-deploy"]}}, "dev")
    assert read.catalog is not None
    assert read.catalog.keep_versions == 10


@pytest.fixture(scope="module")
def in_vpc() -> Recording:
    """Dev in two regions, each with a VPC of its own."""
    values = catalog_values(regions=[HOME, "eu-west-1"])
    values["sm-mlops:network"] = {
        region: {
            "vpcId": f"vpc-0000000{number}",
            "subnetIds": [f"subnet-0000000{number}", f"subnet-1111111{number}"],
            "securityGroupIds": [f"sg-0000000{number}"],
        }
        for number, region in enumerate((HOME, "eu-west-1"))
    }
    with nothing_looked_up():
        return run_program(values)


def test_projects_of_a_region_run_in_its_vpc(in_vpc: Recording, dev: Recording) -> None:
    for number, region in enumerate((HOME, "eu-west-1")):
        for slug in ("model-build-train", "model-deploy"):
            assert in_vpc.named(f"catalog-{region}-{slug}-files").inputs["environment"]["Network"] == {
                "VpcId": f"vpc-0000000{number}",
                "SubnetIds": f"subnet-0000000{number},subnet-1111111{number}",
                "SecurityGroupIds": f"sg-0000000{number}",
            }
    nowhere = dev.named(f"catalog-{HOME}-model-deploy-files").inputs["environment"]["Network"]
    assert nowhere == {"VpcId": "", "SubnetIds": "", "SecurityGroupIds": ""}


def test_another_subnet_or_key_is_another_version_of_the_same_content(in_vpc: Recording, dev: Recording) -> None:
    arn = f"arn:aws:kms:{HOME}:111122223333:key/0b7e3c1d-52f0-4a7e-9d8a-6a3f1f1f3c11"
    recordings = (dev, in_vpc, with_catalog(projectKeyArns={HOME: arn}))
    for slug in ("model-build-train", "model-deploy"):
        names = [VersionName.read(versions(recording)[slug]) for recording in recordings]
        assert len({name.of_content for name in names if name}) == 1
        assert len({name.environment for name in names if name}) == 3


def test_rights_in_ec2_are_given_only_where_there_is_a_network(in_vpc: Recording, dev: Recording) -> None:
    for recording, expected in ((in_vpc, "allow"), (dev, "none")):
        assert launch(recording, "ec2:DescribeSubnets", "*") == expected
        boundary = statements(recording, "catalog-roles-boundary")
        interface = "arn:aws:ec2:us-east-2:111122223333:network-interface/*"
        for action in ("CreateNetworkInterface", "CreateNetworkInterfacePermission", "AssignPrivateIpAddresses"):
            assert decision(boundary, "role", f"ec2:{action}", interface, {}) == expected
        assert decision(boundary, "role", "ec2:RunInstances", "*", {}) == "none"
