"""Reports as data: a calm one, one full of hostile values, and one as large as a company."""

from collections.abc import Sequence
from dataclasses import replace

from tools.doctor.findings import Finding, Status
from tools.report.features import feature_table
from tools.report.model import (
    Absent,
    Approval,
    Earlier,
    Endpoint,
    Environment,
    Failure,
    Mark,
    Model,
    ModelVersion,
    NotKnown,
    Part,
    Person,
    Pipeline,
    Product,
    Project,
    Report,
    Right,
    Role,
    Stage,
    Variant,
    Version,
)
from tools.report.prices import costs

ACCOUNT = "123456789012"
HOME = "us-east-2"
MARKUP = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{ 7 * 7 }}"
REVERSED = "safe\u202egpj.exe\u2066\x07"
LONG = "x" * 10_000
HOSTILE = (MARKUP, REVERSED, LONG)
EMAIL = "anna.smith@example.com"
CALLER = f"arn:aws:iam::{ACCOUNT}:user/anna.smith"


def pipeline(
    name: str,
    text: str = "fine",
    *,
    failed: bool = False,
    waits: bool = False,
    mended: bool | None = None,
    kind: str = "CodePipeline",
    steps: int = 3,
) -> Pipeline:
    stages = [Stage(name=f"Stage{number}", status="Succeeded", mark=Mark.GOOD) for number in range(steps)]
    failure = Failure(where="Build/Check", reason=text, log=(text, "second line"), build=f"{name}:1")
    approval = Approval(
        pipeline=name, action="Deploy/Ask", region=HOME, since="2026-11-27 10:00", text=text, link=link(name)
    )
    return Pipeline(
        name=name,
        kind=kind,
        region=HOME,
        status="Failed" if failed else "Succeeded",
        mark=Mark.BAD if failed else Mark.GOOD,
        started="2026-11-27 09:00",
        trigger=text,
        stages=stages,
        failures=[failure] if failed else [],
        earlier=None if mended is None else Earlier(started="2026-11-26 09:00", mended=mended, failures=[failure]),
        approvals=[approval] if waits else [],
        builds=[f"{name}:1"],
        link=link(name),
    )


def link(name: str) -> str:
    return f"https://{HOME}.console.aws.amazon.com/x?region={HOME}#{len(name)}"


def project(name: str, text: str = "fine", *, failed: bool = False, waits: bool = False) -> Project:
    return Project(
        name=name,
        id="p-1",
        product="model-deploy",
        region=HOME,
        owner="anna.smith",
        status="CreateCompleted, AVAILABLE",
        mark=Mark.GOOD,
        message=text,
        version="1.0.0-aaaaaaaa.bbbbbbbb",
        newest="1.0.0-aaaaaaaa.bbbbbbbb",
        behind=False,
        pipelines=[
            pipeline(f"sagemaker-{name}-p-1-modeldeploy", text, failed=failed, waits=waits),
            pipeline("sagemaker-p-1-train", text, mended=True, kind="Step Functions"),
        ],
        link=link(name),
    )


def product(slug: str, region: str = HOME, content: str = "1.0.0-aaaaaaaa", note: str = "First version.") -> Product:
    name = f"{content}.bbbbbbbb"
    return Product(
        slug=slug,
        name=f"MLOps {slug}",
        region=region,
        versions=[Version(name=name, made="2026-11-27 08:00", note=note, state="current")],
        released=name,
        content=content,
        checkout=name,
        link=link(slug),
    )


def model(group: str, text: str = "fine") -> Model:
    versions = [
        ModelVersion(
            version=number,
            approval="Approved",
            mark=Mark.GOOD,
            made="2026-11-27 08:00",
            commit="0123456789ab",
            description=text,
            metrics={"mse": 3.0 - number / 10, "r2": 0.5 + number / 10},
            link=link(group),
        )
        for number in (3, 2, 1)
    ]
    return Model(group=group, region=HOME, project="churn", count=3, versions=versions)


def endpoint(name: str, serves: str = "sagemaker-churn 3", *, idle: bool = False) -> Endpoint:
    variant = Variant(name="AllTraffic", instance_type="ml.m5.large", instances=2, share=1.0, serves=serves)
    return Endpoint(
        name=name,
        region=HOME,
        project_id="p-1",
        stage="prod",
        status="InService",
        mark=Mark.GOOD,
        made="2026-11-01 08:00",
        variants=[variant],
        requests=[0.0] if idle else [3.0, 0.0, 12.0],
        idle=idle,
        monthly=167.9,
        link=link(name),
    )


def environment(stack: str = "dev", text: str = "fine", regions: Sequence[str] = (HOME, "eu-west-1")) -> Environment:
    parts = [
        Part(kind=kind, name=f"{stack}-{kind}-{text}", region=region, there=True, link=link(region))
        for region in regions
        for kind in ("Artifact bucket", "Customer key")
    ]
    missing = Part(kind="Topic", name=text, region=regions[0], there=False, link="")
    silent = Part(kind="Portfolio", name=text, region=regions[0], there=NotKnown(why=text), link="")
    projects = [project("churn", text, waits=True), project("fraud", text, failed=True)]
    pipelines = [pipeline(one.name, text) for one in projects]
    endpoints = [endpoint("sagemaker-p-1-prod"), endpoint("sagemaker-p-2-prod", text, idle=True)]
    return Environment(
        stack=stack,
        prefix=f"sm-mlops-{stack}",
        account=ACCOUNT,
        region=regions[0],
        regions=regions,
        caller=CALLER,
        deployed=True,
        findings=[
            Finding(check="portfolio", subject=HOME, status=Status.BROKEN, evidence=f"{text} {CALLER}", fix=text),
            Finding(check="quotas", subject=HOME, status=Status.OK, evidence=text),
        ],
        drift="none",
        delivery_pipeline=f"sm-mlops-{stack}-delivery",
        deliveries=[pipeline(f"sm-mlops-{stack}-delivery", text)],
        parts=[*parts, missing, silent],
        people=[Person(part="told by mail", who=EMAIL, may="gets the platform's mails", source="SNS")],
        roles=[
            Role(
                name=f"sm-mlops-{stack}-launch",
                trusted=["servicecatalog.amazonaws.com"],
                rights=[Right(service="s3", actions=["GetObject"])],
                bounded=True,
                link=link("role"),
            )
        ],
        products=[product("model-deploy", note=text)],
        projects=projects,
        models=[model("sagemaker-churn", text)],
        endpoints=endpoints,
        costs=costs(parts, pipelines, endpoints),
    )


def report(*environments: Environment, absent: str = "") -> Report:
    table = feature_table()
    return Report(
        made="2026-11-27 12:00",
        environments=environments,
        absent=[Absent(stack="prod", why=absent)] if absent else [],
        features=table.features,
        features_date=table.date,
        prices_date="2026-11-27",
        prices_region=HOME,
    )


def calm() -> Report:
    """Two environments, of which the second has another version."""
    prod = replace(environment("prod"), products=[product("model-deploy", content="0.9.0-cccccccc")])
    return report(environment("dev"), prod)


def hostile() -> Report:
    """Every text that somebody or AWS may choose is markup, changes of direction, or far too long."""
    return report(*(environment(f"dev{number}", text) for number, text in enumerate(HOSTILE)), absent=MARKUP)


def silent() -> Report:
    """A stack of which AWS tells nothing."""
    nothing = NotKnown(why="ListRoles was answered with AccessDenied: no; grant iam:ListRoles")
    names = ("deliveries", "people", "roles", "products", "projects", "models", "endpoints")
    single = dict.fromkeys(("findings", "drift"), nothing)
    return report(replace(environment("dev"), **single, **{name: [replace(nothing, what=name)] for name in names}))  # type: ignore[arg-type]


def large() -> Report:
    """500 projects of 50 products in 16 regions."""
    regions = [f"region-{number}" for number in range(16)]
    slugs = [f"product-{number}" for number in range(50)]
    found = replace(
        environment("dev", regions=regions),
        products=[product(slug, region) for slug in slugs for region in regions],
        projects=[project(f"project-{number}", failed=number % 10 == 0) for number in range(500)],
        models=[model(f"sagemaker-project-{number}") for number in range(250)],
        endpoints=[endpoint(f"sagemaker-p-{number}-prod") for number in range(250)],
    )
    return report(found)
