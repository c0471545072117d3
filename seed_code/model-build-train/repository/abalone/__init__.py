"""What runs inside the SageMaker jobs and behind the endpoint.

Only the standard library, NumPy and scikit-learn are used here: the job image has them, so nothing is installed
while a job or an endpoint starts, and the jobs can run with no network.
"""
