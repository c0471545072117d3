"""AWS IAM: what moto takes long for."""
