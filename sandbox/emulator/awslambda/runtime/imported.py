"""What functions use, imported and read once: the process of each begins as a copy of one that has done so."""

from functools import cache

import boto3
import botocore.session

# A loader remembers what it has read.
botocore.session.create_loader = cache(botocore.session.create_loader)
for _service in ("s3", "sagemaker"):
    boto3.session.Session("-", "-").client(_service, "us-east-1")
