"""E-mail addresses, as stack files and product folders name them."""


def email_address(value: str) -> tuple[str, str]:
    """Give the address in its normal form, and what is wrong with it: nothing where it is one."""
    # Imported where it is needed: its tables are a twentieth of what a tool takes to start.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        return validate_email(value, check_deliverability=False).normalized, ""
    except EmailNotValidError as error:
        return value, f"is not an e-mail address: {error}"
