from moto.eks import urls
from moto.eks.responses import EKSResponse

_ENTRIES = "{0}/clusters/(?P<name>[^/]+)/access-entries"
_ASSOCIATIONS = "{0}/clusters/(?P<name>[^/]+)/pod-identity-associations"

url_bases = urls.url_bases
url_paths = {
    **urls.url_paths,
    f"{_ENTRIES}$": EKSResponse.dispatch,
    f"{_ENTRIES}/(?P<principalArn>.+)$": EKSResponse.dispatch,
    f"{_ASSOCIATIONS}$": EKSResponse.dispatch,
    f"{_ASSOCIATIONS}/(?P<associationId>[^/]+)$": EKSResponse.dispatch,
}
