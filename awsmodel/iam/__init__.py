"""IAM's policy language: what policies allow, and what a change of one means."""
