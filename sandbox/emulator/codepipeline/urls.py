from moto.codepipeline import urls

from sandbox.emulator.codepipeline.responses import CodePipelineResponse

url_bases = urls.url_bases
url_paths = {"{0}/$": CodePipelineResponse.dispatch}
