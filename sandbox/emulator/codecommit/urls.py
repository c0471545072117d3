from moto.codecommit import urls

from sandbox.emulator.codecommit.responses import CodeCommitResponse

url_bases = urls.url_bases
url_paths = {"{0}/$": CodeCommitResponse.dispatch}
