"""The page says what its model says, nothing of it is markup; the JSON has all of it; nobody is named where asked."""

import base64
import hashlib
import json
import re
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import yaml
from botocore.exceptions import ClientError
from click.testing import CliRunner

from awsmodel.regions import known_regions
from tests.support.recording import EXAMPLE
from tests.tools import report_samples as samples
from tests.tools.report_samples import ACCOUNT, CALLER, EMAIL, LONG, MARKUP
from tools.doctor.account import Account, StackRegion
from tools.faults import ToolError
from tools.report import command, page, picture, pipelines, prices, projects
from tools.report.as_json import as_json
from tools.report.asking import asked
from tools.report.collection import report
from tools.report.features import feature_table
from tools.report.links import Console
from tools.report.model import Environment, NotKnown, Part, Product, Report, Use, Variant
from tools.report.page import Live, Message
from tools.report.redaction import LEFT_OUT, redacted
from tools.stack_file import StackFile

SAMPLES = {one.__name__: one for one in (samples.calm, samples.hostile, samples.silent)}


class Read(HTMLParser):
    """A page as a browser reads it: the elements, their attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("td", "th", "li", "p", "br"):
            self.said.append(" ")

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.said).split())


def shape(report: Report) -> list[tuple[str, tuple[str, ...]]]:
    """Elements of a page with the names of their attributes."""
    return [(tag, tuple(attributes)) for tag, attributes in Read(page.render(report, LIVE)).elements]


LIVE = Live(inbox=[Message(topic="topic", subject="subject", text="text")])


@pytest.mark.parametrize("text", samples.HOSTILE, ids=["markup", "direction", "long"])
def test_no_value_of_anybody_is_more_than_text(text: str) -> None:
    calm, attacked = samples.report(samples.environment("dev")), samples.report(samples.environment("dev", text))
    assert shape(attacked) == shape(calm), "a value has become an element, or an attribute"
    made = page.render(attacked, LIVE)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x07]", made), "a change of direction is shown as what it is"
    assert LONG not in made, "a value may not fill a page"
    assert "{{" not in Read(made).text or text == MARKUP


def test_markup_is_shown_as_somebody_wrote_it() -> None:
    assert "<script>alert(1)</script>" in Read(page.render(samples.hostile())).text


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_asks_for_nothing_and_runs_nothing(name: str) -> None:
    read = Read(page.render(SAMPLES[name](), LIVE))
    assert {tag for tag, _ in read.elements} & {"script", "img", "link", "iframe", "form", "object", "embed"} == set()
    for tag, attributes in read.elements:
        assert not [one for one in attributes if one.startswith("on") or one in ("src", "style")], tag
        for one in ("href", "xlink:href"):
            assert (attributes.get(one) or "#").startswith(("#", "/log?", "https://"))


def test_the_policy_allows_the_pages_own_style_and_nothing_else() -> None:
    made = page.render(samples.calm())
    style = re.search("<style>(.*?)</style>", made, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert page.content_policy().startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    (policy,) = [
        attributes["content"]
        for tag, attributes in Read(made).elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == page.content_policy()
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_environments_stand_side_by_side_and_a_version_that_differs_is_named() -> None:
    text = Read(page.render(samples.calm())).text
    assert "model-deploy 1.0.0-aaaaaaaa 0.9.0-cccccccc differs" in text
    same = samples.report(samples.environment("dev"), samples.environment("prod"))
    assert "model-deploy 1.0.0-aaaaaaaa 1.0.0-aaaaaaaa equal" in Read(page.render(same)).text


def test_the_last_delivery_is_no_other_pipelines_run() -> None:
    def told(**changes: object) -> str:
        shown = replace(samples.environment(), **changes)  # type: ignore[arg-type]
        text = Read(page.render(samples.report(shown))).text
        return text[text.index("Last delivery") : text.index("Waits for approval")].strip()

    delivery, drift = samples.pipeline("sm-mlops-dev-delivery"), samples.pipeline("sm-mlops-dev-drift")
    later = replace(drift, started="2026-11-28 02:00")
    silent = NotKnown(what="sm-mlops-dev-delivery", why="denied")
    assert told(deliveries=[delivery, later]) == "Last delivery Succeeded 2026-11-27 09:00"
    assert told(deliveries=[replace(delivery, started=""), later]) == "Last delivery no run yet"
    assert told(deliveries=[silent, later]) == "Last delivery not known"
    assert told(deliveries=[later]) == "Last delivery its pipeline is missing"
    assert told(deliveries=[later], delivery_pipeline="") == "Last delivery no pipeline of its own"


def test_what_an_environment_or_a_region_does_not_offer_is_never_told_as_equal() -> None:
    dev, prod = samples.environment("dev"), samples.environment("prod")
    offered, other = samples.product("model-deploy"), samples.product("model-deploy", content="0.9.0-cccccccc")
    dead = replace(offered, region="eu-west-1", released="", content="")

    def told(*products: list[Product]) -> str:
        environments = (dev, prod, samples.environment("test"))
        made = [replace(one, products=found) for one, found in zip(environments, products, strict=False)]
        text = Read(page.render(samples.report(*made))).text
        return text[text.index("model-deploy") : text.index("Last delivery")].strip()

    assert told([offered], []) == "model-deploy 1.0.0-aaaaaaaa not offered not in prod"
    assert told([offered], [dead]) == "model-deploy 1.0.0-aaaaaaaa no version not in prod"
    assert told([offered], [], [other]) == (
        "model-deploy 1.0.0-aaaaaaaa not offered 0.9.0-cccccccc differs, not in prod"
    )
    assert told([offered], [offered, dead]) == "model-deploy 1.0.0-aaaaaaaa 1.0.0-aaaaaaaa / no version differs"


def test_a_failure_that_a_later_run_has_mended_is_shown_and_asks_for_no_attention() -> None:
    def text(mended: bool) -> str:
        one = samples.pipeline("sm-mlops-dev-delivery", "it broke", mended=mended)
        dev = replace(samples.environment("dev"), deliveries=[one], projects=[], findings=[], endpoints=[])
        return Read(page.render(samples.report(dev))).text

    assert "The run of 2026-11-26 09:00 failed; a later one has mended it Build/Check it broke Last 2 lines" in text(
        True
    )
    assert "Attention 0" in text(True)
    assert "The run of 2026-11-26 09:00 failed; no later one has succeeded" in text(False)
    assert "sm-mlops-dev-delivery failed in Build/Check it broke" in text(False)


def test_what_is_broken_waits_or_failed_comes_first() -> None:
    drifted = replace(samples.environment("dev"), drift="drift was told; the mail says of what")
    text = Read(page.render(samples.report(drifted))).text
    attention = text[text.index("Attention 5") : text.index("Projects dev") if "Projects dev" in text else None]
    order = [
        *("portfolio us-east-2", "AWS is not as the stack says", "waits for approval since"),
        *("failed in Build/Check", "was not asked for two weeks"),
    ]
    places = [attention.index(one) for one in order]
    assert places == sorted(places)
    assert "it costs $167.90 a month" in attention


def test_two_versions_of_a_model_stand_beside_each_other_with_where_they_answer() -> None:
    text = Read(page.render(samples.report(samples.environment("dev")))).text
    assert "Answers in prod no endpoint" in text
    assert "mse 2.7 2.8 -0.1" in text
    assert "Before: version 1" in text


def test_what_is_not_known_says_why_in_each_section() -> None:
    text = Read(page.render(samples.silent())).text
    assert text.count("grant iam:ListRoles") >= 8


def test_what_is_not_known_is_never_told_as_nothing() -> None:
    silent, dev = samples.silent().environments[0], samples.environment("dev")
    text = Read(page.render(samples.report(dev, replace(silent, stack="prod")))).text
    assert "model-deploy 1.0.0-aaaaaaaa not known not known" in text
    assert "Last delivery Succeeded 2026-11-27 09:00 not known" in text
    assert "What the doctor finds in prod is not known: ListRoles" in text
    assert "Waits for approval 1 not all known" in text
    assert "Projects, endpoints 2, 2 not known, not known" in text
    assert "without endpoints that are not known" in text
    assert "Nothing is broken, nothing waits, as far as it is known." in Read(page.render(samples.report(silent))).text


def test_one_that_is_not_known_stands_in_its_place_with_its_name_among_those_that_are() -> None:
    dev = samples.environment("dev")
    sections = ("deliveries", "people", "roles", "products", "projects", "models", "endpoints")
    lost = {name: NotKnown(what=f"{name} of x", why="refused") for name in sections}
    made = replace(dev, **{name: [*getattr(dev, name), lost[name]] for name in sections})  # type: ignore[arg-type]
    text, told = Read(page.render(samples.report(made))).text, json.loads(as_json(samples.report(made)))
    for name in sections:
        assert told["environments"][0][name][-1] == {"notKnown": "refused", "what": f"{name} of x"}
        assert f"{name} of x" in text, name
    assert text.count("refused") == len(sections)
    assert "Projects, endpoints 2 or more, 2 or more" in text
    assert "model-deploy 1.0.0-aaaaaaaa" in text


@pytest.mark.parametrize(
    ("operation", "code", "message", "action"),
    [
        # Two services have an operation of this name.
        (
            "ListPipelines",
            "AccessDeniedException",
            "r is not authorized to perform: sagemaker:ListPipelines",
            "sagemaker:ListPipelines",
        ),
        ("GetTopicAttributes", "AuthorizationError", "no", "sns:GetTopicAttributes"),
        ("HeadBucket", "403", "Forbidden", "s3:ListBucket"),
    ],
)
def test_a_refusal_names_the_right_to_grant(operation: str, code: str, message: str, action: str) -> None:
    def refused() -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, operation)

    account = cast("Account", SimpleNamespace(caller=CALLER))
    answer = asked(account, refused)
    assert isinstance(answer, NotKnown)
    assert answer.why.endswith(f"; grant {action} to {CALLER}")


def test_what_a_retry_has_mended_has_not_failed() -> None:
    def tried(action: str, status: str) -> dict[str, str]:
        return {"stageName": "Build", "actionName": action, "status": status}

    tries = [tried("Check", "Failed"), tried("Train", "Succeeded"), tried("Check", "Succeeded")]
    assert [(one["actionName"], one["status"]) for one in pipelines.last_tries(tries)] == [
        ("Check", "Succeeded"),
        ("Train", "Succeeded"),
    ]


def test_an_endpoint_whose_model_is_deleted_is_shown_with_the_models_name() -> None:
    def client(_service: str) -> object:
        def gone(ModelName: str) -> None:
            message = f'Could not find model "{ModelName}".'
            raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "DescribeModel")

        return SimpleNamespace(describe_model=gone)

    region = projects.Region(
        cast("StackRegion", SimpleNamespace(account=SimpleNamespace(caller=CALLER), client=client))
    )
    config = {"ProductionVariants": [{"VariantName": "one", "ModelName": "old", "InitialInstanceCount": 1}]}
    assert [one.serves for one in region.variants({}, config)] == ["old"]


def test_a_page_without_any_stack_says_so() -> None:
    text = Read(page.render(samples.report(absent="no credentials"))).text
    assert "No stack could be looked at." in text
    assert "prod could not be looked at: no credentials" in text


def test_a_page_of_stacks_that_were_never_deployed_says_what_makes_one_and_no_more() -> None:
    none = replace(samples.environment(), deployed=False)
    read = Read(page.render(samples.report(none), LIVE))
    assert "Nothing is deployed yet: pulumi up -s dev does it." in read.text
    assert "Nothing is broken" not in read.text
    sections = [given["id"] for tag, given in read.elements if tag == "section"]
    assert sections == ["overview", "features", "inbox"]
    links = [given["href"] for tag, given in read.elements if tag == "a" and (given["href"] or "").startswith("#")]
    assert links == ["#main", *(f"#{one}" for one in sections)]
    beside = Read(page.render(samples.report(none, samples.environment("prod"))))
    assert "Nothing is deployed yet" not in beside.text


def test_a_company_of_500_projects_fits_into_5_megabytes() -> None:
    made = page.render(samples.large())
    assert len(made.encode()) < 5_000_000
    assert made.count('<details class="project">') == 500
    assert made.count('<details class="product">') == 50 * 16


def test_the_json_has_every_field_of_the_model() -> None:
    told = json.loads(as_json(samples.calm()))
    environment = told["environments"][0]
    names = {re.sub("_([a-z])", lambda found: found[1].upper(), one.name) for one in fields(Environment)}
    assert set(environment) == names
    assert environment["models"][0]["versions"][0]["metrics"] == {"mse": 2.7, "r2": 0.8}
    assert environment["parts"][-1]["there"] == {"notKnown": "fine"}


def test_neither_form_shows_what_looks_like_credentials() -> None:
    key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    made = samples.report(samples.environment("dev", f"AWS_SECRET_ACCESS_KEY={key}"))
    assert key not in as_json(made)
    assert key not in page.render(made)


def test_a_redacted_report_names_nobody_and_holds_nothing_that_people_wrote() -> None:
    written = "said by anna.smith about account 210987654321"
    made = redacted(samples.report(samples.environment("dev", written)))
    told = as_json(made) + page.render(made)
    for hidden in (ACCOUNT, "210987654321", EMAIL, CALLER, "anna.smith"):
        assert hidden not in told, hidden
    assert LEFT_OUT in told
    environment = made.environments[0]
    assert environment.account == "account-1"
    assert isinstance(environment.projects, list)
    assert environment.projects[0].owner == environment.projects[1].owner, "one person is one person"
    assert environment.projects[0].name == "churn"


def test_every_text_of_the_model_is_redacted_where_it_may_say_who_somebody_is() -> None:
    def texts(value: object) -> list[str]:
        if isinstance(value, str):
            return [value]
        if is_dataclass(value) and not isinstance(value, type):
            return [text for one in fields(value) for text in texts(getattr(value, one.name))]
        return [text for one in value for text in texts(one)] if isinstance(value, list | tuple) else []

    made = redacted(samples.report(samples.environment("dev", f"{EMAIL} in {ACCOUNT}"), absent=f"{ACCOUNT} is closed"))
    assert [text for text in texts(made) if EMAIL in text or ACCOUNT in text] == []


def test_the_tables_are_whole() -> None:
    features = feature_table().features
    assert {one.use for one in features} == set(Use)
    assert all(one.why and one.page.startswith("https://docs.aws.amazon.com/") for one in features)
    assert len({one.name for one in features}) == len(features)
    assert {"Projects", "Pipelines", "Model Monitor", "Feature Store"} <= {one.name for one in features}


@pytest.mark.parametrize(
    ("kind", "count", "monthly"),
    [("ml.m5.large", 2, 2 * 0.115 * 730), ("ml.nobody.knows", 1, None), ("", 1, None)],
)
def test_endpoints_cost_what_the_table_says_and_nothing_is_guessed(
    kind: str, count: int, monthly: float | None
) -> None:
    variant = Variant(name="one", instance_type=kind, instances=count, share=1.0, serves="model")
    assert prices.of_variants([variant]) == (pytest.approx(monthly) if monthly else None)


def test_the_command_writes_a_page_prints_json_and_names_what_it_could_not_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def looked(files: list[StackFile]) -> Report:
        asked.extend(file.stack for file in files)
        return samples.report(samples.environment("dev"), absent="no credentials")

    monkeypatch.setattr(command, "report", looked)
    for name in ("dev", "prod"):
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config: {}")
    out = tmp_path / "page.html"
    done = CliRunner().invoke(command.command, ["--folder", str(tmp_path), "-o", str(out)])
    assert done.exit_code == 0
    assert asked == ["dev", "prod"]
    assert [one.stack for one in command.chosen(("prod", "dev", "prod"), tmp_path)] == ["prod", "dev"]
    assert "prod is not on it: no credentials" in done.output
    assert Read(out.read_text()).elements
    told = CliRunner().invoke(command.command, ["--folder", str(tmp_path), "-s", "dev", "--json", "--redact"])
    assert json.loads(told.stdout)["environments"][0]["account"] == "account-1"


def test_a_report_that_shows_no_stack_at_all_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}")
    asked = ["--folder", str(tmp_path), "-s", "deb"]
    done = CliRunner().invoke(command.command, [*asked, "-o", str(tmp_path / "out")])
    told = CliRunner().invoke(command.command, [*asked, "--json"])
    for one in (done, told):
        assert "deb is not on it: there is no Pulumi.deb.yaml in" in one.stderr
        assert isinstance(one.exception, ToolError)
    assert "could not be looked at" in (tmp_path / "out").read_text()
    assert json.loads(told.stdout)["absent"][0]["stack"] == "deb"


def test_a_folder_without_stack_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="has no Pulumi"):
        command.chosen((), tmp_path)


def test_an_inbox_that_is_not_known_says_why() -> None:
    text = Read(page.render(samples.calm(), Live(inbox=NotKnown(why="There is no inbox here.")))).text
    assert "There is no inbox here." in text


def test_who_cannot_be_asked_at_all_is_left_out_with_the_reason(tmp_path: Path) -> None:
    values = yaml.safe_load((EXAMPLE / "Pulumi.dev.yaml").read_text())
    values["config"]["aws:profile"] = "nobody-has-this-profile"
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump(values))
    (absent,) = report([StackFile("dev", tmp_path)]).absent
    assert "nobody-has-this-profile" in absent.why


@pytest.mark.parametrize(
    ("kind", "name", "label"),
    [
        ("Artifact bucket", f"sm-mlops-dev-artifacts-{ACCOUNT}-{samples.HOME}-an", "Artifact bucket artifacts"),
        ("Customer key", "alias/sm-mlops-dev-source", "Customer key source"),
        ("Repository", "sm-mlops-dev", "Repository sm-mlops-dev"),
        # What is the person's own is shown as it ends.
        ("Repository", "churn-2026", "Repository churn-2026"),
        (
            "Connection",
            f"arn:aws:codeconnections:{samples.HOME}:{ACCOUNT}:connection/0f1e2d3c-0000-4000-8000-{ACCOUNT}",
            f"Connection …3c-0000-4000-8000-{ACCOUNT}",
        ),
    ],
)
def test_a_picture_says_of_a_name_what_it_does_not_say_already(kind: str, name: str, label: str) -> None:
    part = Part(kind=kind, name=name, region=samples.HOME, there=True, link="")
    (box,) = picture.of(replace(samples.environment(regions=[samples.HOME]), parts=[part])).boxes
    assert [row.label for row in box.rows] == [label]


def test_regions_share_the_room_and_none_covers_another() -> None:
    shown = samples.environment(regions=[samples.HOME, *(f"eu-west-{number}" for number in range(6))])
    made = picture.of(shown)
    home, *others = made.boxes
    assert home.region == samples.HOME
    assert [box.region for box in made.boxes] == list(shown.regions)
    for number, box in enumerate(made.boxes):
        assert box.x + box.width <= made.width
        assert box.y + box.height <= made.height
        assert not any(
            abs(box.x - other.x) < box.width and other.y < box.y + box.height and box.y < other.y + other.height
            for other in made.boxes[number + 1 :]
        )
    assert min(box.y for box in others[2:]) < home.y + home.height, "the home region is the highest; beside it is room"


def test_a_command_in_a_sentence_of_ours_is_code() -> None:
    shown = replace(samples.environment(), drift=NotKnown(why="nobody looks; `pulumi <preview>` does; one ` stays"))
    made = page.render(samples.report(shown))
    assert "one ` stays" in made
    assert "<code>" not in made[: made.index("one ` stays")].rpartition("Drift")[2]
    shown = replace(shown, drift=NotKnown(why="nobody looks; `pulumi <preview>` does"))
    assert "nobody looks; <code>pulumi &lt;preview&gt;</code> does" in page.render(samples.report(shown))


@pytest.mark.parametrize(
    ("region", "start"),
    [
        ("us-east-2", "https://us-east-2.console.aws.amazon.com/"),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
        ("us-iso-east-1", ""),
    ],
)
def test_parts_lead_to_the_console_of_their_partition(region: str, start: str) -> None:
    console = Console(known_regions()[region])
    address = console.topic("arn:aws:sns:us-east-2:1:a/b c")
    assert address.startswith(start)
    assert bool(address) is bool(start)
    assert not start or address.endswith(f"?region={region}#/topic/arn%3Aaws%3Asns%3Aus-east-2%3A1%3Aa%2Fb%20c")
