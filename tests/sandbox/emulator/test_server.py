"""The emulator's own addresses, its life, and what it forgets."""
# ruff: noqa: S310 - the URLs are the emulator's

import io
import json
import os
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest

from sandbox.emulator.core import info_file
from tests.sandbox.conftest import REGION, REPOSITORY, START_SECONDS, Clients
from tests.sandbox.support.cases import approvals
from tests.sandbox.support.pipelines import allow, role, wait
from tests.sandbox.support.refusals import refusal


def get(url: str) -> str:
    with urlopen(url) as answer:
        return str(answer.read().decode())


def post(url: str, body: str = "") -> int:
    with urlopen(Request(url, data=body.encode(), method="POST")) as answer:
        return int(answer.status)


def test_instance_is_that_of_the_info_file(emulator: dict[str, Any]) -> None:
    assert get(f"{emulator['url']}/sandbox/instance") == emulator["instance"]
    assert emulator["url"].startswith("http://127.0.0.1:")


def test_it_starts_without_the_models_of_all_services() -> None:
    """They take longer to load than all else; the first stack needs them."""
    program = (
        "import sys; from sandbox.emulator.core import server; print('moto.cloudformation.parsing' in sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert loaded.stdout == "False\n"


def test_server_listens_on_loopback_alone(emulator: dict[str, Any]) -> None:
    port = int(emulator["url"].rsplit(":", 1)[1])
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    hosts = {place.split(":")[0] for place in listening if int(place.split(":")[1], 16) == port}
    assert hosts == {"0100007F"}


def test_it_ends_with_its_info_file_and_another_life_has_another_name(emulator: dict[str, Any], tmp_path: Path) -> None:
    info = tmp_path / "info.json"
    # Below those that Linux hands out by itself, so that nobody else is given it meanwhile.
    port = next(port for port in range(20_000, 32_000) if not answers("127.0.0.1", port))
    command = [sys.executable, "-m", "sandbox.emulator", "--info", str(info), "--port", str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        while not info.exists():
            assert process.poll() is None
            time.sleep(0.02)
        found = json.loads(info.read_text())
        assert (found["pid"], found["url"]) == (process.pid, f"http://127.0.0.1:{port}")
        assert found["instance"] != emulator["instance"]
        get(f"{found['url']}/sandbox/instance")
        info.unlink()
        try:
            _, errors = process.communicate(timeout=START_SECONDS)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_functions_run_also_where_the_folder_is_gone_in_which_it_was_started(tmp_path: Path) -> None:
    folder, packed = tmp_path / "folder", io.BytesIO()
    folder.mkdir()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def answer(event, context): return event")
    command = [sys.executable, "-P", "-m", "sandbox.emulator", "--info", "../info.json"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait((tmp_path / "info.json").exists, "the emulator")
            folder.rmdir()
            session = boto3.Session("test", "test", region_name=REGION)
            url = json.loads((tmp_path / "info.json").read_text())["url"]

            def client(service: str) -> Any:
                return session.client(service, endpoint_url=url)  # type: ignore[call-overload]

            client("lambda").create_function(
                FunctionName="echo",
                Runtime="python3.13",
                Role=role(client, "echo", "lambda.amazonaws.com", [allow("logs:*")]),
                Handler="index.answer",
                Code={"ZipFile": packed.getvalue()},
            )
            said = client("lambda").invoke(FunctionName="echo", Payload='{"a": 1}')["Payload"].read()
        finally:
            process.terminate()
        # What copies processes holds its errors, too, until it has ended.
        _, errors = process.communicate(timeout=START_SECONDS)
    assert (json.loads(said), process.returncode, errors) == ({"a": 1}, 0, "")


def test_it_also_ends_when_its_info_file_is_anothers(tmp_path: Path) -> None:
    info = tmp_path / "info.json"
    info_file.write_atomically(info, {"instance": "one"})
    assert info_file.tells_of(info, "one")
    ended: list[str] = []
    info_file.watch(info, "other", lambda: ended.append("other"))
    assert ended == ["other"]


def test_connection_waits_for_its_handshake(aws: Clients, emulator: dict[str, Any]) -> None:
    client = aws("codeconnections")
    arn = client.create_connection(ConnectionName="waiting", ProviderType="GitLab")["ConnectionArn"]
    assert client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "PENDING"
    assert post(f"{emulator['url']}/sandbox/connections/handshake", arn) == 204
    assert client.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "AVAILABLE"
    with pytest.raises(HTTPError) as refused:
        post(f"{emulator['url']}/sandbox/connections/handshake", "no such connection")
    with refused.value as answer:
        assert answer.status == 404


@pytest.mark.parametrize(("name", "provider"), [("x" * 33, "GitHub"), ("name", "SourceForge")], ids=["long", "unknown"])
def test_connection_is_checked(aws: Clients, name: str, provider: str) -> None:
    with pytest.raises(Exception, match=r"ValidationException|Parameter validation failed"):
        aws("codeconnections").create_connection(ConnectionName=name, ProviderType=provider)


def test_reset_clears_what_moto_lacks(emulator: dict[str, Any], aws: Clients) -> None:
    aws("codeconnections").create_connection(ConnectionName="cleared", ProviderType="GitHub")
    aws("codecommit").create_approval_rule_template(
        approvalRuleTemplateName="cleared", approvalRuleTemplateContent=approvals(1)
    )
    assert post(f"{emulator['url']}/moto-api/reset") == 200
    assert aws("codeconnections").list_connections()["Connections"] == []
    assert aws("codecommit").list_approval_rule_templates()["approvalRuleTemplateNames"] == []
    assert aws("codestar-notifications").list_notification_rules()["NotificationRules"] == []


def test_what_nobody_emulates_is_said_at_once(aws: Clients) -> None:
    said = refusal(lambda: aws("codecommit").list_file_commit_history(repositoryName="a", filePath="b"))
    assert said[0] == "ValidationException"
    assert said[1].startswith("the sandbox does not know ListFileCommitHistory of codecommit as it is asked here")
    queried = refusal(lambda: aws("cloudformation").list_types())
    assert queried[1].startswith("the sandbox does not know ListTypes of cloudformation")


def test_the_inbox_has_what_the_topics_have_sent(emulator: dict[str, Any], aws: Clients) -> None:
    topics = {
        region: aws("sns", region).create_topic(Name="inbox")["TopicArn"] for region in ("eu-west-1", "us-east-1")
    }
    for text in ("first", "second"):
        aws("sns", "eu-west-1").publish(TopicArn=topics["eu-west-1"], Subject="News", Message=text)
    aws("sns", "us-east-1").publish(TopicArn=topics["us-east-1"], Message="without a subject")
    told = json.loads(get(f"{emulator['url']}/sandbox/inbox"))
    assert [(one["subject"], one["message"]) for one in told if one["topic"] == topics["eu-west-1"]] == [
        ("News", "second"),
        ("News", "first"),
    ]
    assert {"topic": topics["us-east-1"], "subject": "", "message": "without a subject"} in told


def test_a_browser_is_told_from_a_client_of_aws(emulator: dict[str, Any], aws: Clients) -> None:
    with urlopen(Request(emulator["url"], headers={"Accept": "text/html,*/*;q=0.8"})) as answer:
        assert "without stacks to show" in answer.read().decode()
    assert "Buckets" in aws("s3").list_buckets()


def test_a_browser_sees_the_stacks_and_the_page_ends_with_the_emulator(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "Pulumi.dev.yaml").write_text((REPOSITORY / "tests" / "example" / "Pulumi.dev.yaml").read_text())
    info = tmp_path / "info.json"
    command = [sys.executable, "-m", "sandbox.emulator", "--info", str(info), "--stack-files", str(files)]
    with subprocess.Popen(command, cwd=REPOSITORY) as process:
        while not info.exists():
            assert process.poll() is None
            time.sleep(0.02)
        asked = Request(json.loads(info.read_text())["url"], headers={"Accept": "text/html"})
        with urlopen(asked) as answer:
            page, text = answer.url.rstrip("/"), answer.read().decode()
        process.kill()
    assert "not deployed" in text
    assert "What the topics have sent" in text
    host, port = page.removeprefix("http://").split(":")
    deadline = time.monotonic() + START_SECONDS
    while answers(host, int(port)):
        assert time.monotonic() < deadline, "the page is served on"
        time.sleep(0.05)


def answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0
