"""Pipelines: those that deliver the platform, and those that test how it is deployed."""
