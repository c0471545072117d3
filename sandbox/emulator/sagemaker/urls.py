from moto.sagemaker import urls

from sandbox.emulator.sagemaker.responses import SageMakerResponse

url_bases = urls.url_bases
url_paths = {"{0}/$": SageMakerResponse.dispatch}
