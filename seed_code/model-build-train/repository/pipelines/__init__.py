"""What makes and starts the SageMaker pipeline, from the build or from a laptop."""
