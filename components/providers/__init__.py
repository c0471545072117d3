"""Dynamic providers, for what the AWS plugin cannot do.

Pulumi stores a provider in the state by the name of its class, and imports it again for refresh and destroy: a module
or a class of this package is never moved or renamed while a stack has a resource of it. Providers hold no state; what
they do is in plain functions that take a boto3 client.
"""
