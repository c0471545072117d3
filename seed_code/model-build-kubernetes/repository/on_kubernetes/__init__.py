"""What applies to a cluster what SageMaker is to train."""
