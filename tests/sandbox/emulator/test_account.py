"""What the emulated AWS tells of an account: its quotas, its event history, and what AWS has decided about it."""
# ruff: noqa: S310 - the URLs are the emulator's

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import REGION, Clients
from tests.sandbox.support.case import ACCOUNT

Decide = Callable[..., int]
ROLE = "AWSServiceRoleForCodeStarNotifications"


@pytest.fixture
def decide(emulator: dict[str, Any]) -> Iterator[Decide]:
    def post(**decisions: object) -> int:
        body = json.dumps(decisions).encode()
        with urlopen(Request(f"{emulator['url']}/sandbox/decisions", data=body, method="POST")) as answer:
            return int(answer.status)

    yield post
    post()


@pytest.mark.parametrize(
    ("service", "code", "value"),
    [("servicecatalog", "L-C6458716", 100), ("codepipeline", "L-78D200AD", 1000), ("codebuild", "L-ACCF6C0D", 5000)],
)
def test_quotas_have_awss_defaults(aws: Clients, service: str, code: str, value: float) -> None:
    quota = aws("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]
    assert quota["Value"] == value
    assert quota["QuotaArn"] == f"arn:aws:servicequotas:{REGION}:{ACCOUNT}:{service}/{code}"


def test_a_quota_that_nobody_knows_is_refused(aws: Clients) -> None:
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        aws("service-quotas").get_service_quota(ServiceCode="servicecatalog", QuotaCode="L-00000000")


def test_aws_may_decide_otherwise_and_take_it_back(aws: Clients, decide: Decide) -> None:
    def images() -> set[str]:
        platforms = aws("codebuild").list_curated_environment_images()["platforms"]
        return {image["name"] for one in platforms for language in one["languages"] for image in language["images"]}

    image = "aws/codebuild/amazonlinux-x86_64-standard:6.0"
    assert image in images()
    assert decide(codecommit=False, retired_images=[image], quotas={"L-78D200AD": 7}) == 204
    assert image not in images()
    quota = aws("service-quotas").get_service_quota(ServiceCode="codepipeline", QuotaCode="L-78D200AD")["Quota"]
    assert quota["Value"] == 7
    for call in (aws("codecommit").list_repositories, lambda: aws("codecommit").create_repository(repositoryName="r")):
        with pytest.raises(ClientError, match="OperationNotAllowedException"):
            call()
    decide()
    assert image in images()
    assert aws("codecommit").list_repositories()["repositories"] == []


def test_what_aws_does_not_decide_is_refused(decide: Decide) -> None:
    with pytest.raises(HTTPError, match="400"):
        decide(weather="fine")


def test_the_first_notification_rule_brings_the_service_linked_role(aws: Clients) -> None:
    iam = aws("iam")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.get_role(RoleName=ROLE)
    arn = aws("codecommit").create_repository(repositoryName="watched")["repositoryMetadata"]["Arn"]
    topic = aws("sns").create_topic(Name="told")["TopicArn"]
    for name in ("first", "second"):
        aws("codestar-notifications").create_notification_rule(
            Name=name,
            Resource=arn,
            EventTypeIds=["codecommit-repository-pull-request-created"],
            DetailType="BASIC",
            Targets=[{"TargetType": "SNS", "TargetAddress": topic}],
        )
    assert iam.get_role(RoleName=ROLE)["Role"]["Path"] == "/aws-service-role/codestar-notifications.amazonaws.com/"


def test_the_event_history_tells_who_was_associated_with_a_portfolio(aws: Clients) -> None:
    catalog, trail = aws("servicecatalog"), aws("cloudtrail")
    portfolio = catalog.create_portfolio(DisplayName="own", ProviderName="us")["PortfolioDetail"]["Id"]
    before = datetime.now(UTC) - timedelta(seconds=2)
    for name in ("*First", "*Second"):
        catalog.associate_principal_with_portfolio(
            PortfolioId=portfolio, PrincipalARN=f"arn:aws:iam:::role/{name}", PrincipalType="IAM_PATTERN"
        )

    def principals(**bounds: object) -> list[str]:
        attribute = {"AttributeKey": "EventName", "AttributeValue": "AssociatePrincipalWithPortfolio"}
        pages = trail.get_paginator("lookup_events").paginate(
            LookupAttributes=[attribute], PaginationConfig={"PageSize": 1}, **bounds
        )
        events = [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]
        return [event["requestParameters"]["principalARN"] for event in events]

    assert principals(StartTime=before) == ["arn:aws:iam:::role/*Second", "arn:aws:iam:::role/*First"]
    assert principals(StartTime=datetime.now(UTC) + timedelta(minutes=1)) == []
    assert principals(EndTime=before - timedelta(days=1)) == []
