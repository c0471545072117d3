from sandbox.emulator.mwaaserverless.responses import MwaaServerlessResponse

url_bases = [r"https?://airflow-serverless\.(.+)\.(amazonaws\.com|api\.aws)"]
url_paths = {"{0}/$": MwaaServerlessResponse.dispatch}
