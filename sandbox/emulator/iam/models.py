"""AWS IAM: the policies that AWS manages can be attached to roles, and are read only where somebody looks at one.

There are some 1,600. moto reads them for each account in each partition, before the first request and at each reset.
"""

from copy import copy
from functools import cache
from json import loads
from threading import RLock
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, ManagedPolicy
from moto.iam.models import IAMBackend as MotoBackend

_LOOKED_AT_LATE = ("aws_managed_policies", "managed_policies")
_LOOK = RLock()


class IamBackend(MotoBackend):
    """The roles and policies of one account and partition."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        # What is not there is looked for in __getattr__.
        for name in _LOOKED_AT_LATE:
            delattr(self, name)

    def _init_aws_policies(self) -> list[ManagedPolicy]:
        return []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever Python is asked for
        """Read AWS's own policies; each account counts to how many roles it has attached them."""
        if name not in _LOOKED_AT_LATE:
            raise AttributeError(name)
        # Two requests may be the first ones: what one of them creates must not be lost in the other's reading.
        with _LOOK:
            if "managed_policies" not in vars(self):
                self.aws_managed_policies = [copy(one) for one in _managed_by_aws(self.region_name, self.account_id)]
                self.managed_policies = self._init_managed_policies()
        return vars(self)[name]


@cache
def _managed_by_aws(region_name: str, account_id: str) -> list[ManagedPolicy]:
    told = loads(aws_managed_policies_data)
    return [AWSManagedPolicy.from_data(name, account_id, region_name, policy) for name, policy in told.items()]
