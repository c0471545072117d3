"""What every request goes through before and after the operation that answers it."""

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

from sandbox.emulator.core import constraints
from sandbox.emulator.core.extension import replaces
from sandbox.emulator.core.not_known import not_known, stumbled


class _RefusedError(ServiceException):
    """A request that no operation answers; moto looks for the class's module among its own."""


_call_action = BaseResponse.call_action


@replaces(BaseResponse)
def call_action(self: BaseResponse) -> TYPE_RESPONSE:
    """Answer; what nobody here can is an error of the client's, which is not tried again as a server's is."""
    speaks_json = "X-Amz-Target" in self.headers
    try:
        reason = None
        if speaks_json:
            reason = constraints.refusal(get_service_model(self.boto3_service_name), self._get_action(), self.body)
        if reason is None:
            return _call_action(self)
    except HTTPException:
        raise
    except NotImplementedError as error:
        reason = not_known(f"{self._get_action()} of {self.boto3_service_name} as it is asked here ({error})")
    except Exception as error:  # moto's and ours can be of any kind
        reason = stumbled(error)
    code = "ValidationException" if speaks_json else "ValidationError"
    return self.serialized(ActionResult(_RefusedError(code, reason)))
