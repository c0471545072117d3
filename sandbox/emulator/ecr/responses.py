"""Amazon ECR: the images of AWS's own accounts, of which moto has none, and the right to push others."""

import json

from moto.core.responses import ActionResult
from moto.ecr.responses import ECRResponse

from sandbox.emulator.core.callers import Caller
from sandbox.emulator.core.extension import replaces
from sandbox.emulator.sagemaker import jobs

_of_moto = ECRResponse.batch_get_image
_put = ECRResponse.put_image


@replaces(ECRResponse)
def put_image(self: ECRResponse) -> ActionResult:
    """PutImage, by who has the right to it."""
    caller, name = Caller.of(self), self._get_param("repositoryName")
    caller.require("ecr:PutImage", f"arn:{caller.partition}:ecr:{self.region}:{caller.account}:repository/{name}")
    answer: ActionResult = _put(self)
    return answer


@replaces(ECRResponse)
def batch_get_image(self: ECRResponse) -> ActionResult:
    """BatchGetImage: what a tag of an image that jobs can have stands for; of others moto answers."""
    registry, name = self._get_param("registryId"), self._get_param("repositoryName")
    tags = [one.get("imageTag") for one in self._get_param("imageIds") or []]
    known = [tag for tag in tags if f"{name}:{tag}" in jobs.IMAGES]
    if registry in (None, self.current_account) or not known:
        answer: ActionResult = _of_moto(self)
        return answer
    caller = Caller.of(self)
    caller.require("ecr:BatchGetImage", f"arn:{caller.partition}:ecr:{self.region}:{registry}:repository/{name}")
    images = [
        {
            "registryId": registry,
            "repositoryName": name,
            "imageId": {"imageTag": tag, "imageDigest": jobs.digest(f"{name}:{tag}")},
            "imageManifest": json.dumps({"manifests": [{"platform": {"architecture": "amd64", "os": "linux"}}]}),
        }
        for tag in known
    ]
    return ActionResult({"images": images, "failures": []})
