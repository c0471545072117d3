from moto.stepfunctions import urls

url_bases = urls.url_bases
url_paths = urls.url_paths
