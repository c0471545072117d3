"""A real Pulumi engine and an emulated AWS on this machine, so that all of it runs with no account."""
