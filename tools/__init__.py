"""What an operator runs beside `pulumi up`: `python -m tools`."""
