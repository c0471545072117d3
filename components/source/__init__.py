"""The repository that pipelines deliver."""
