from typing import Any

from moto.servicecatalog import urls
from moto.servicecatalogappregistry.responses import AppRegistryResponse
from moto.servicecatalogappregistry.urls import url_paths as app_registry_paths

from sandbox.emulator.servicecatalog.responses import ServiceCatalogResponse

url_bases = urls.url_bases
url_paths: dict[str, Any] = {
    "{0}/$": ServiceCatalogResponse.dispatch,
    **dict.fromkeys(app_registry_paths, AppRegistryResponse.dispatch),
}
