from moto.codebuild import urls

from sandbox.emulator.codebuild.responses import CodeBuildResponse

url_bases = urls.url_bases
url_paths = {"{0}/$": CodeBuildResponse.dispatch}
