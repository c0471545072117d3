"""What several wings build with: a customer key, a private bucket, the role of a service."""
