"""The image of one's own: what the build makes of it, and what SageMaker asks of it."""

import base64
import importlib.util
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from botocore.exceptions import ClientError

from pipelines import container
from pipelines.container import CONTAINER, ensure_image
from pipelines.images import ImageError
from pipelines.jobs import DEFAULT_INSTANCE as M5

EXAMPLE = "M,0.455,0.365,0.095,0.514,0.2245,0.101,0.15"
URI = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-team/model:mine"


class Registry:
    """ECR and docker: what is pushed is there."""

    def __init__(self, fault: Exception | None = None):
        self.fault, self.there, self.commands, self.given = fault, set(), [], []

    def batch_get_image(self, **asked):
        if self.fault:
            raise self.fault
        return {"images": [one for one in asked["imageIds"] if one["imageTag"] in self.there]}

    def get_authorization_token(self):
        return {"authorizationData": [{"authorizationToken": base64.b64encode(b"AWS:s3cret").decode()}]}

    def run(self, command, **given):
        self.commands.append(command)
        self.given.append(given)
        if command[1] == "push":
            self.there.add(command[2].rpartition(":")[2])


def made(registry, folder=CONTAINER, environment=None, instance=M5):
    return ensure_image(URI, registry, instance, folder=folder, run=registry.run, environment=environment or {})


def test_the_image_is_built_and_pushed_once_under_a_tag_of_its_content(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    registry = Registry()
    first = made(registry, tmp_path)
    assert re.fullmatch(rf"{URI}-[0-9a-f]{{12}}", first)
    assert [command[1] for command in registry.commands] == ["login", "build", "push"]
    assert registry.commands[1] == ["docker", "build", "--platform", "linux/amd64", "--tag", first, str(tmp_path)]
    assert made(registry, tmp_path) == first
    assert len(registry.commands) == 3, "it was there"
    (tmp_path / "Dockerfile").write_text("FROM b\n")
    assert made(registry, tmp_path) != first
    made(registry, tmp_path, instance="ml.m7g.large")
    assert registry.commands[-2][3] == "linux/arm64"


def test_the_password_is_in_no_command_and_the_index_of_packages_reaches_the_image():
    registry = Registry()
    made(registry, environment={"PIP_INDEX_URL": "https://index.example.com/simple"})
    assert "s3cret" not in str(registry.commands)
    assert registry.given[0]["input"] == "s3cret"
    assert registry.commands[1][4:6] == ["--build-arg", "PIP_INDEX_URL"]
    assert registry.given[1]["env"]["PIP_INDEX_URL"] == "https://index.example.com/simple"
    assert "\nARG PIP_INDEX_URL\n" in (CONTAINER / "Dockerfile").read_text()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (FileNotFoundError("docker"), "docker is not installed"),
        (subprocess.CalledProcessError(17, ["docker"]), "docker login failed with code 17"),
    ],
)
def test_what_docker_cannot_do_is_one_sentence(fault, message):
    def fail(*_, **__):
        raise fault

    registry = Registry()
    with pytest.raises(ImageError, match=message):
        ensure_image(URI, registry, M5, run=fail, environment={})


def test_a_repository_that_is_not_there_is_named():
    refused = ClientError({"Error": {"Code": "RepositoryNotFoundException"}}, "BatchGetImage")
    with pytest.raises(ImageError, match="there is no repository sagemaker-team/model in ECR: make it, or correct"):
        made(Registry(refused))
    with pytest.raises(ClientError):
        made(Registry(ClientError({"Error": {"Code": "ServerException"}}, "BatchGetImage")))


def test_the_image_has_the_packages_that_the_tests_run_with():
    def pinned(path):
        return dict(re.findall(r"^([\w-]+)==([^\s;]+)", path.read_text(encoding="utf-8"), re.MULTILINE))

    image, tests = pinned(CONTAINER / "requirements.txt"), (CONTAINER.parent / "requirements-dev.in").read_text()
    for name in ("scikit-learn", "numpy", "scipy"):
        assert f"{name}=={image[name]}" in tests
    assert "gunicorn" in image


@pytest.fixture(scope="module")
def serve():
    spec = importlib.util.spec_from_file_location("serve", CONTAINER / "serve.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def running(application):
    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(url, body=None, **headers):
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - our own server
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_the_image_keeps_sagemakers_serving_contract(serve, trained, monkeypatch):
    monkeypatch.syspath_prepend(str(trained.model / "code"))
    monkeypatch.delitem(sys.modules, "inference", raising=False)
    with running(serve.application(str(trained.model))) as url:
        assert asked(f"{url}/ping")[0] == 200
        status, kind, body = asked(f"{url}/invocations", EXAMPLE.encode(), **{"Content-Type": "text/csv"})
        assert (status, kind) == (200, "text/csv")
        assert 1 < float(body) < 30
        status, kind, body = asked(f"{url}/invocations", b"M,1", **{"Content-Type": "text/csv"})
        assert (status, kind) == (400, "application/json")
        assert "line 1 has 2 columns" in body
        assert asked(f"{url}/invocations")[0] == 404, "a GET"
        assert asked(f"{url}/other", b"")[0] == 404


def test_the_image_is_started_with_serve_or_train(serve):
    assert serve.command(["serve"])[0] == "gunicorn"
    assert "--bind=0.0.0.0:8080" in serve.command(["serve"])
    assert serve.command(["train"]) == ["python3", "-m", "abalone.tuned"]
    with pytest.raises(SystemExit, match="SageMaker starts an image with 'serve' or 'train'"):
        serve.command([])


def test_every_file_that_the_dockerfile_copies_is_there():
    copied = re.findall(r"^COPY (\S+) ", (CONTAINER / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert copied
    assert all((container.CONTAINER / name).is_file() for name in copied)
    assert not Path(CONTAINER / "inference.py").exists(), "the model's code comes with the model"
