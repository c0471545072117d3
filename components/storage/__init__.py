"""Artifact buckets."""
