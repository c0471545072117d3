"""The doctor's checks by subject, and the registry of their rules."""
