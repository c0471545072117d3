"""Chooses the model package to deploy, renders the stage parameters, and tests the endpoints."""
