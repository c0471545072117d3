"""AWS IAM: the policies that AWS manages can be attached to roles, and are read only where somebody looks at one.

There are some 1,600. moto reads them for each account in each partition, before the first request and at each reset.
"""

from copy import copy
from functools import cache, cached_property
from json import loads

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, ManagedPolicy
from moto.iam.models import IAMBackend as MotoBackend


class IamBackend(MotoBackend):
    """The roles and policies of one account and partition."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        # Now the properties below give what is asked for.
        del self.aws_managed_policies, self.managed_policies

    def _init_aws_policies(self) -> list[ManagedPolicy]:
        return []

    @cached_property
    def aws_managed_policies(self) -> list[ManagedPolicy]:  # type: ignore[override] # there it is an attribute
        """AWS's own policies; each account counts to how many roles it has attached them."""
        return [copy(one) for one in _managed_by_aws(self.region_name, self.account_id)]

    @cached_property
    def managed_policies(self) -> dict[str, ManagedPolicy]:  # type: ignore[override] # there it is an attribute
        """All policies by ARN."""
        return self._init_managed_policies()


@cache
def _managed_by_aws(region_name: str, account_id: str) -> list[ManagedPolicy]:
    told = loads(aws_managed_policies_data)
    return [AWSManagedPolicy.from_data(name, account_id, region_name, policy) for name, policy in told.items()]
