"""SageMaker Projects, switched on."""
