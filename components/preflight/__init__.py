"""What is looked up in AWS before anything is registered."""

from collections.abc import Mapping, Sequence

from components.preflight import network_check, other_policies, role_check
from components.preflight.supplied_roles import supplied_roles
from components.providers.aws_access import configured_access
from settings import Settings, SettingsError
from settings.products import services_called


def check(stack: Settings) -> Mapping[str, Sequence[str]]:
    """Look up what the settings name and AWS must have already: networks, roles, and policies that others attach.

    Where the settings name none of them, nothing is called.

    Returns:
        By name of a role, the policies of `sm-mlops:iam.otherPolicyArns` that it has.

    Raises:
        SettingsError: a network cannot carry what is to run in it, or a role that somebody else makes cannot do what it
            is for; the message lists every one.
        OtherPoliciesError: it cannot be told which roles have the policies of others.
    """
    access, faults = configured_access(), []
    try:
        network_check.check(stack.network, services_called(stack), access)
    except network_check.NetworkError as error:
        faults.append(str(error))
    try:
        role_check.check(lambda account_id: supplied_roles(stack, account_id), access, stack.home_region)
    except role_check.SuppliedRoleError as error:
        faults.append(str(error))
    if faults:
        raise SettingsError("\n".join(faults))
    return other_policies.attached(stack.iam.other_policy_arns, access, stack.home_region)
