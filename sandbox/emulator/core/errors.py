"""Errors of the services that speak JSON, named as their API names them."""

from moto.core.exceptions import JsonRESTError


class ServiceError(JsonRESTError):
    """Answer HTTP 400 with the API's own error name, e.g. `ResourceNotFoundException`."""

    code = 400
