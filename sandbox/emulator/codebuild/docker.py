"""The `docker` of privileged builds: nothing is built, and what is pushed is in ECR, with the platform that it is for.

A job or a model of such an image has the packages of AWS's scikit-learn, see `sagemaker/jobs.py`.
"""

import json
import sys
from pathlib import Path

import boto3

INDEX = "application/vnd.oci.image.index.v1+json"
BUILT = Path.home() / "docker.json"


def main(words: list[str]) -> int:
    """Play one command; its exit code."""
    built = json.loads(BUILT.read_text()) if BUILT.exists() else {}
    if words[:1] == ["login"]:
        sys.stdin.read()
    elif words[:1] == ["build"] and "--tag" in words[1:-1:2]:
        if not (Path(words[-1]) / "Dockerfile").is_file():
            print(f"docker: no Dockerfile in {words[-1]}", file=sys.stderr)
            return 1
        given = dict(zip(words[1:-1:2], words[2:-1:2], strict=False))
        built[given["--tag"]] = given.get("--platform", "linux/amd64").partition("/")[2]
        BUILT.write_text(json.dumps(built))
    elif words[:1] == ["push"] and words[1:] and words[1] in built:
        registry, _, name = words[1].partition("/")
        repository, _, tag = name.partition(":")
        platforms = [{"platform": {"architecture": built[words[1]], "os": "linux"}}]
        # The tag makes each manifest another one: equal ones are one image.
        manifest = {"mediaType": INDEX, "manifests": platforms, "annotations": {"tag": tag}}
        boto3.client("ecr").put_image(
            registryId=registry.partition(".")[0],
            repositoryName=repository,
            imageTag=tag,
            imageManifest=json.dumps(manifest),
        )
    else:
        known = "it plays login, build --tag, and push of what was built"
        print(f"docker: the sandbox does not know {' '.join(words)}; {known}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
