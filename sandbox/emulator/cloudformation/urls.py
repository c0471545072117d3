from typing import Any

from moto.cloudformation import urls

from sandbox.emulator.cloudformation.responses import CloudFormationResponse

url_bases = urls.url_bases
url_paths: dict[str, Any] = {
    "{0}/$": CloudFormationResponse.dispatch,
    "{0}/cloudformation_(?P<region>[^/]+)/cfnresponse$": CloudFormationResponse.cfnresponse,
}
