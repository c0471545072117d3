"""Batch runs of an approved model: what this repository adds to `model_deploy`, which finds the model."""
