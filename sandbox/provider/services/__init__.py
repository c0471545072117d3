"""The handlers, one module per family of Pulumi's AWS types: `aws:s3/...` in `s3`."""
