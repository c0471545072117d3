"""The definition, step by step: what each call to SageMaker is, how the steps hang together, what is protected."""

import json
import re
import runpy
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator
from conftest import measured

from abalone import evaluate, inference, preprocess, train
from pipelines import jobs
from pipelines.definition import build_definition
from pipelines.instances import LOCAL_STORAGE, takes_volume_key
from pipelines.references import PipelineReferences
from pipelines.settings import Settings

CODE = "s3://sagemaker-p-0123456789ab-build/code/abc"
DATA = "s3://sagemaker-p-0123456789ab-build/data/sample"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
OWN_IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/model:1"
SEED = {"Name": "Seed", "Type": "Integer", "DefaultValue": 4}
JOBS = ("Preprocess", "Train", "Evaluate")


@pytest.fixture
def definition(settings):
    return build_definition(settings, CODE, DATA)


@pytest.fixture
def secured(settings):
    """The definition of an environment with a key and a VPC."""
    settings = replace(settings, kms_key_arn=KEY, subnet_ids=("subnet-0a", "subnet-0b"), security_group_ids=("sg-0a",))
    return build_definition(settings, CODE, DATA)


def steps(definition) -> dict[str, Any]:
    """Every step by name, those inside a condition too."""
    found = {}
    for step in definition["Steps"]:
        inner = [*step["Arguments"].get("IfSteps", []), *step["Arguments"].get("ElseSteps", [])]
        found |= {each["Name"]: each for each in (step, *inner)}
    return found


def arguments_of(definition, name) -> dict[str, Any]:
    return steps(definition)[name]["Arguments"]


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [value["Get"]] if set(value) == {"Get"} else [r for v in value.values() for r in references(v)]
    if isinstance(value, list):
        return [r for v in value for r in references(v)]
    return []


def resolved(value: Any, definition) -> Any:
    """What SageMaker would put in place of references, with a word for what only an execution knows."""
    if isinstance(value, list):
        return [resolved(each, definition) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Get"}:
        kind, _, name = value["Get"].partition(".")
        defaults = {each["Name"]: each.get("DefaultValue", "<given>") for each in definition["Parameters"]}
        return defaults[name] if kind == "Parameters" else f"<{value['Get']}>"
    if set(value) == {"Std:Join"}:
        join = value["Std:Join"]
        return join["On"].join(str(resolved(each, definition)) for each in join["Values"])
    if set(value) == {"Std:JsonGet"}:
        return f"<{value['Std:JsonGet']['Path']}>"
    return {key: resolved(each, definition) for key, each in value.items()}


def assert_valid(arguments, operation, definition):
    """Every key and every type, against the API model that boto3 ships."""
    client = boto3.client("sagemaker", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    shape = client.meta.service_model.operation_model(operation).input_shape
    assert ParamValidator().validate(resolved(arguments, definition), shape).generate_report() == ""


def test_the_steps_stand_in_order_and_have_names_of_their_own(definition):
    assert [step["Name"] for step in definition["Steps"]] == ["Preprocess", "Train", "Evaluate", "CheckError"]
    assert [step["Name"] for step in arguments_of(definition, "CheckError")["IfSteps"]] == ["Register"]
    assert [step["Name"] for step in arguments_of(definition, "CheckError")["ElseSteps"]] == ["ErrorTooHigh"]
    assert definition["Version"] == "2020-12-01"


def test_the_definition_is_a_pure_function(settings, definition):
    assert json.dumps(build_definition(settings, CODE, DATA)) == json.dumps(definition)
    assert build_definition(replace(settings, commit_id="other"), CODE, DATA) == definition


@pytest.mark.parametrize("kind", ["definition", "secured"])
@pytest.mark.parametrize(
    ("name", "operation", "added"),
    [
        ("Preprocess", "CreateProcessingJob", {"ProcessingJobName": "x"}),
        ("Train", "CreateTrainingJob", {"TrainingJobName": "x"}),
        ("Evaluate", "CreateProcessingJob", {"ProcessingJobName": "x"}),
        ("Register", "CreateModelPackage", {}),
    ],
)
def test_the_arguments_are_a_valid_request(request, kind, name, operation, added):
    definition = request.getfixturevalue(kind)
    assert_valid(steps(definition)[name]["Arguments"] | added, operation, definition)


def test_references_lead_to_a_parameter_an_earlier_step_or_the_execution(definition):
    parameters = {f"Parameters.{parameter['Name']}" for parameter in definition["Parameters"]}
    done: list[str] = []
    used = set()
    for name, step in steps(definition).items():
        body = step if name in JOBS else step["Arguments"]
        if name == "CheckError":
            body = step["Arguments"]["Conditions"]
        for reference in references(body):
            kind, _, rest = reference.partition(".")
            if kind == "Steps":
                assert rest.split(".")[0] in done, reference
                if outputs := re.findall(r"Outputs\['(\w+)'\]", rest):
                    source = arguments_of(definition, rest.split(".")[0])["ProcessingOutputConfig"]["Outputs"]
                    assert outputs[0] in [output["OutputName"] for output in source]
            elif kind == "Parameters":
                used.add(reference)
                assert reference in parameters
            else:
                assert reference in ("Execution.PipelineExecutionId", "Execution.PipelineExecutionArn")
        done.append(name)
    assert used == parameters, "a parameter that nothing reads"


def test_parameters_have_defaults_that_need_no_answer(definition):
    parameters = {parameter["Name"]: parameter for parameter in definition["Parameters"]}
    assert parameters["InputDataUrl"]["DefaultValue"] == DATA
    assert parameters["MaxMeanSquaredError"] == {"Name": "MaxMeanSquaredError", "Type": "Float", "DefaultValue": 6.0}
    approval = parameters["ModelApprovalStatus"]
    assert approval["DefaultValue"] == "PendingManualApproval"
    assert "Approved" not in approval["EnumValues"]
    types = {"String": str, "Integer": int, "Float": float}
    assert all(type(each["DefaultValue"]) is types[each["Type"]] for each in parameters.values())


def test_the_hyperparameters_are_those_that_training_reads(definition, tmp_path):
    given = resolved(arguments_of(definition, "Train")["HyperParameters"], definition)
    path = tmp_path / "hyperparameters.json"
    path.write_text(json.dumps(given))
    assert train.Hyperparameters.read(path) == train.Hyperparameters()


@pytest.mark.parametrize(
    ("name", "module", "code"),
    [
        ("Preprocess", preprocess, "/opt/ml/processing/input/code"),
        ("Train", train, "/opt/ml/input/data/code"),
        ("Evaluate", evaluate, "/opt/ml/processing/input/code"),
    ],
)
def test_each_job_runs_its_module_from_the_uploaded_code(definition, name, module, code):
    arguments = arguments_of(definition, name)
    specification = arguments.get("AppSpecification") or arguments["AlgorithmSpecification"]
    assert specification["ContainerEntrypoint"] == ["python3", "-m", module.__name__]
    assert arguments["Environment"] == {"PYTHONPATH": code}
    inputs = inputs_of(arguments)
    assert inputs[code] == CODE


@pytest.mark.parametrize(("name", "module"), [("Preprocess", preprocess), ("Train", train), ("Evaluate", evaluate)])
def test_each_job_is_given_arguments_that_its_script_takes_and_paths_that_exist(definition, name, module, monkeypatch):
    arguments = arguments_of(definition, name)
    specification = arguments.get("AppSpecification") or arguments["AlgorithmSpecification"]
    command = resolved(specification["ContainerArguments"], definition)
    monkeypatch.setattr(module.job, "run", lambda *_: 0)
    assert module.main(command) == 0, "argparse would have exited"
    outputs = [each["S3Output"]["LocalPath"] for each in arguments.get("ProcessingOutputConfig", {}).get("Outputs", [])]
    known = [*inputs_of(arguments), *outputs, "/opt/ml/model"]
    for value in command:
        if value.startswith("/"):
            assert any(value == path or path.startswith(f"{value}/") or value.startswith(f"{path}/") for path in known)


def inputs_of(arguments) -> dict[str, Any]:
    """Local path to source of a job's inputs."""
    processing = {
        each["S3Input"]["LocalPath"]: each["S3Input"]["S3Uri"] for each in arguments.get("ProcessingInputs", [])
    }
    channels = {
        f"/opt/ml/input/data/{each['ChannelName']}": each["DataSource"]["S3DataSource"]["S3Uri"]
        for each in arguments.get("InputDataConfig", [])
    }
    return processing | channels


def test_the_splits_go_where_they_belong(definition):
    def output(name):
        return {"Get": f"Steps.Preprocess.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri"}

    assert inputs_of(arguments_of(definition, "Preprocess"))["/opt/ml/processing/input/data"] == {
        "Get": "Parameters.InputDataUrl"
    }
    training = inputs_of(arguments_of(definition, "Train"))
    assert training["/opt/ml/input/data/train"] == output("train")
    assert training["/opt/ml/input/data/validation"] == output("validation")
    evaluation = inputs_of(arguments_of(definition, "Evaluate"))
    assert evaluation["/opt/ml/processing/input/test"] == output("test")
    assert evaluation["/opt/ml/processing/input/summary"] == output("summary")
    assert evaluation["/opt/ml/processing/input/approved"] == "s3://sagemaker-p-0123456789ab-build/approved/"
    assert output("test") not in training.values(), "the test rows must not reach training"


def test_each_execution_writes_under_its_own_prefix(definition):
    urls = [
        resolved(output["S3Output"]["S3Uri"], definition)
        for name in ("Preprocess", "Evaluate")
        for output in arguments_of(definition, name)["ProcessingOutputConfig"]["Outputs"]
    ]
    urls.append(resolved(arguments_of(definition, "Train")["OutputDataConfig"]["S3OutputPath"], definition))
    start = "s3://sagemaker-p-0123456789ab-build/executions/<Execution.PipelineExecutionId>/"
    assert all(url.startswith(start) for url in urls)
    assert len(set(urls)) == len(urls) == 6


CONDITIONS = {
    "conditions.error.value": "MaxMeanSquaredError",
    "conditions.share_of_baseline.value": "MaxShareOfBaselineError",
    "conditions.share_of_approved.value": "MaxShareOfApprovedError",
}


def test_the_error_decides_about_registration_in_itself_and_in_comparison(definition):
    check = arguments_of(definition, "CheckError")
    assert check["Conditions"] == [
        {
            "Type": "LessThanOrEqualTo",
            "LeftValue": {
                "Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": path}
            },
            "RightValue": {"Get": f"Parameters.{limit}"},
        }
        for path, limit in CONDITIONS.items()
    ]
    message = resolved(check["ElseSteps"][0]["Arguments"]["ErrorMessage"], definition)
    assert message.startswith(
        "No version was registered: one of three is above its limit. Mean squared error on the test rows: "
        "<conditions.error.value> (MaxMeanSquaredError = 6.0);"
    )
    for path, limit in CONDITIONS.items():
        assert f"<{path}> ({limit} = " in message
    assert "Commit: unknown Report: <Steps.Evaluate." in message


@pytest.mark.parametrize("path", CONDITIONS)
def test_the_conditions_read_what_evaluation_writes(definition, trained, tmp_path, path):
    found = measured(trained, tmp_path)
    for key in path.split("."):
        found = found[key]
    assert isinstance(found, float)
    (file,) = steps(definition)["Evaluate"]["PropertyFiles"]
    assert file == {"PropertyFileName": "Report", "OutputName": "evaluation", "FilePath": "evaluation.json"}
    assert (tmp_path / file["FilePath"]).is_file()


def test_the_limits_of_the_report_are_those_of_the_conditions(definition, monkeypatch):
    command = resolved(arguments_of(definition, "Evaluate")["AppSpecification"]["ContainerArguments"], definition)
    given: list[evaluate.Limits] = []
    monkeypatch.setattr(evaluate, "evaluate", lambda _, *, limits, **__: given.append(limits))
    monkeypatch.setattr(evaluate.job, "run", lambda _, work, __: work())
    evaluate.main(command)
    assert given == [evaluate.Limits(error=6.0, share_of_baseline=0.9, share_of_approved=1.1)]


def test_the_registered_version_serves_raw_rows_and_says_where_it_comes_from(definition, settings, trained):
    arguments = arguments_of(definition, "Register")
    assert arguments["ModelPackageGroupName"] == "sagemaker-Demo"
    assert arguments["ModelApprovalStatus"] == {"Get": "Parameters.ModelApprovalStatus"}
    (container,) = arguments["InferenceSpecification"]["Containers"]
    assert container["Image"] == settings.image_uri
    assert container["ModelDataUrl"] == {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
    folder = Path(container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"]).relative_to("/opt/ml/model")
    assert container["Environment"]["PYTHONPATH"] == container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"]
    assert (trained.model / folder / container["Environment"]["SAGEMAKER_PROGRAM"]).is_file()
    assert arguments["InferenceSpecification"]["SupportedContentTypes"] == [inference.CSV, inference.JSON]
    metadata = resolved(arguments["CustomerMetadataProperties"], definition)
    assert metadata == {
        "CommitId": "unknown",
        "PipelineExecutionArn": "<Execution.PipelineExecutionArn>",
        "ProjectName": "Demo",
        "ProjectId": "p-0123456789ab",
        "CodeUrl": CODE,
        "DataVersion": "unknown",
    }
    statistics = resolved(arguments["ModelMetrics"]["ModelQuality"]["Statistics"], definition)
    assert statistics["S3Uri"].endswith("Outputs['evaluation'].S3Output.S3Uri>/evaluation.json")


def test_what_the_version_points_at_is_what_evaluation_leaves(definition, trained, tmp_path):
    measured(trained, tmp_path)
    arguments = resolved(arguments_of(definition, "Register"), definition)
    statistics = arguments["ModelMetrics"]["ModelDataQuality"]["Statistics"]
    assert arguments["DriftCheckBaselines"]["ModelDataQuality"]["Statistics"] == statistics
    written = resolved(PipelineReferences("").output("Evaluate", "evaluation"), definition)
    for url, name in ((statistics["S3Uri"], "baseline.json"), (arguments["SamplePayloadUrl"], "payload.tar.gz")):
        assert url == f"{written}/{name}"
        assert (tmp_path / name).is_file()


def test_the_sample_request_is_one_that_the_model_answers(trained, tmp_path):
    contents = []
    for folder in ("a", "b"):
        measured(trained, tmp_path / folder)
        contents.append((tmp_path / folder / "payload.tar.gz").read_bytes())
    assert contents[0] == contents[1]
    with tarfile.open(tmp_path / "a/payload.tar.gz", "r:gz") as archive:
        (member,) = archive
        request = archive.extractfile(member).read()
    model = inference.model_fn(str(trained.model))
    status, body, _ = inference.answer(model, request, "text/csv", None)
    assert (status, len(body.splitlines())) == (200, evaluate.PAYLOAD_ROWS)


def test_the_version_says_which_code_framework_and_execution_made_it(environment):
    settings = Settings.from_environment(environment | {"REPOSITORY_URL": "https://git.example.com/demo"})
    arguments = arguments_of(build_definition(settings, CODE, DATA), "Register")
    assert arguments["MetadataProperties"] == {
        "CommitId": {"Get": "Parameters.CommitId"},
        "GeneratedBy": {"Get": "Execution.PipelineExecutionArn"},
        "ProjectId": "p-0123456789ab",
        "Repository": "https://git.example.com/demo",
    }
    (container,) = arguments["InferenceSpecification"]["Containers"]
    assert (container["Framework"], container["FrameworkVersion"]) == ("SAGEMAKER-SCIKIT-LEARN", "1.9-0")
    own = Settings.from_environment(environment | {"JOB_IMAGE_URI": OWN_IMAGE})
    (container,) = arguments_of(build_definition(own, CODE, DATA), "Register")["InferenceSpecification"]["Containers"]
    assert "Framework" not in container


def test_the_model_card_is_json_with_the_measured_errors(definition, trained, tmp_path):
    metrics = measured(trained, tmp_path)["regression_metrics"]
    card = arguments_of(definition, "Register")["ModelCard"]
    assert card["ModelCardStatus"] == "Draft"
    content = resolved(card["ModelCardContent"], definition)
    for name, told in metrics.items():
        content = content.replace(f"<regression_metrics.{name}.value>", str(told["value"]))
    told = json.loads(content)
    assert told["model_overview"]["model_artifact"] == ["<Steps.Train.ModelArtifacts.S3ModelArtifacts>"]
    assert told["training_details"]["training_job_details"]["training_datasets"] == [DATA]
    (evaluation,) = told["evaluation_details"]
    (group,) = evaluation["metric_groups"]
    assert {one["name"]: one["value"] for one in group["metric_data"]} == {
        name: pytest.approx(values["value"]) for name, values in metrics.items()
    }


def test_the_serving_container_needs_no_network_to_start(definition):
    environment = arguments_of(definition, "Register")["InferenceSpecification"]["Containers"][0]["Environment"]
    assert environment["PIP_NO_INDEX"] == "1"
    assert environment["PIP_NO_BUILD_ISOLATION"] == "0"


def test_the_workers_of_the_server_do_not_share_their_processors_with_threads(definition):
    environment = arguments_of(definition, "Register")["InferenceSpecification"]["Containers"][0]["Environment"]
    assert environment["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize("name", JOBS)
def test_transient_faults_are_retried_and_nothing_is_taken_from_the_cache(definition, name):
    step = steps(definition)[name]
    types = [kind for policy in step["RetryPolicies"] for kind in policy["ExceptionType"]]
    assert types == [
        "Step.SERVICE_FAULT",
        "Step.THROTTLING",
        "SageMaker.JOB_INTERNAL_ERROR",
        "SageMaker.CAPACITY_ERROR",
        "SageMaker.RESOURCE_LIMIT",
    ]
    assert step["CacheConfig"] == {"Enabled": False}


def test_spot_training_may_wait_and_no_other_job_is_of_it(settings):
    definition = build_definition(replace(settings, spot=True), CODE, DATA)
    request = arguments_of(definition, "Train")
    assert request["EnableManagedSpotTraining"] is True
    stopping = request["StoppingCondition"]
    assert stopping["MaxWaitTimeInSeconds"] > stopping["MaxRuntimeInSeconds"] == 3600
    assert_valid(request | {"TrainingJobName": "x"}, "CreateTrainingJob", definition)
    assert "Spot" not in json.dumps([arguments_of(definition, name) for name in ("Preprocess", "Evaluate")])


def test_tuning_searches_with_the_same_job_and_its_best_model_goes_on(settings):
    definition = build_definition(replace(settings, tuning_jobs=6, spot=True, kms_key_arn=KEY), CODE, DATA)
    step, plain = steps(definition)["Train"], arguments_of(build_definition(settings, CODE, DATA), "Train")
    assert step["Type"] == "Tuning"
    request = step["Arguments"]
    assert_valid(request | {"HyperParameterTuningJobName": "x"}, "CreateHyperParameterTuningJob", definition)
    assert request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 6
    job = request["TrainingJobDefinition"]
    assert job["EnableManagedSpotTraining"] is True
    assert job["InputDataConfig"] == plain["InputDataConfig"]
    metrics = [metric["Name"] for metric in job["AlgorithmSpecification"]["MetricDefinitions"]]
    assert request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"] in metrics
    best = resolved(arguments_of(definition, "Register"), definition)["InferenceSpecification"]["Containers"][0]
    folder = resolved(job["OutputDataConfig"]["S3OutputPath"], definition)
    assert best["ModelDataUrl"] == f"{folder}/<Steps.Train.TrainingJobSummaries[0].TrainingJobName>/output/model.tar.gz"
    assert inputs_of(arguments_of(definition, "Evaluate"))["/opt/ml/processing/input/model"] == PipelineReferences(
        ""
    ).join("/", folder, {"Get": "Steps.Train.TrainingJobSummaries[0].TrainingJobName"}, "output/model.tar.gz")


def test_what_tuning_hands_over_is_what_training_takes(settings, tmp_path, monkeypatch):
    """Script mode: a file of the code's folder, started with arguments that the hyperparameters' file has, too."""
    request = arguments_of(build_definition(replace(settings, tuning_jobs=2), CODE, DATA), "Train")
    given = resolved(request["TrainingJobDefinition"]["StaticHyperParameters"], {"Parameters": [SEED]})
    ranges = request["HyperParameterTuningJobConfig"]["ParameterRanges"]
    tuned = {each["Name"]: each[end] for kind in ranges.values() for each in kind for end in ("MinValue",)}
    path = tmp_path / "hyperparameters.json"
    path.write_text(json.dumps(given | tuned | {"_tuning_objective_metric": "validation:mse"}))
    assert train.Hyperparameters.read(path) == train.Hyperparameters(learning_rate=0.01, max_iter=50, seed=4)
    for kind in ranges.values():
        for each in kind:
            path.write_text(json.dumps({each["Name"]: each["MaxValue"]}))
            train.Hyperparameters.read(path)

    folders = []
    monkeypatch.setattr(train, "train", lambda *arguments: folders.extend(map(str, arguments[:3])))
    monkeypatch.setattr(train.Hyperparameters, "read", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["tuned.py", "--learning_rate", "0.01"])
    script = Path(train.__file__).parent.parent / given["sagemaker_program"]
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 0
    assert folders == ["/opt/ml/input/data/train", "/opt/ml/input/data/validation", "/opt/ml/model"]


def test_results_are_taken_again_only_where_data_and_code_are_the_same(settings):
    definition = build_definition(replace(settings, cache_days=7), CODE, DATA)
    for name in ("Preprocess", "Train"):
        assert steps(definition)[name]["CacheConfig"] == {"Enabled": True, "ExpireAfter": "P7D"}
    assert steps(definition)["Evaluate"]["CacheConfig"] == {"Enabled": False}, "what is approved may have changed"
    preprocessing = arguments_of(definition, "Preprocess")
    assert preprocessing["Environment"]["DATA_VERSION"] == {"Get": "Parameters.DataVersion"}
    assert inputs_of(preprocessing)["/opt/ml/processing/input/code"] == CODE
    (version,) = [each for each in definition["Parameters"] if each["Name"] == "DataVersion"]
    assert "DefaultValue" not in version, "an execution that says nothing of its data would take another's results"


def test_executions_are_compared_in_one_experiment(definition):
    assert definition["PipelineExperimentConfig"] == {
        "ExperimentName": {"Get": "Execution.PipelineName"},
        "TrialName": {"Get": "Execution.PipelineExecutionId"},
    }


def test_an_mlflow_app_records_executions_where_there_is_one(settings, definition):
    assert "MlflowConfig" not in definition
    app = "arn:aws:sagemaker:eu-west-1:123456789012:mlflow-app/app-1"
    with_app = build_definition(replace(settings, mlflow_app_arn=app), CODE, DATA)
    assert with_app.pop("MlflowConfig") == {"MlflowResourceArn": app, "MlflowExperimentName": "sagemaker-Demo-train"}
    assert with_app == definition


@pytest.mark.parametrize("name", JOBS)
def test_jobs_have_tags_a_role_a_time_limit_and_no_network(definition, settings, name):
    arguments = arguments_of(definition, name)
    assert arguments["Tags"] == settings.tags
    assert arguments["RoleArn"] == settings.role_arn
    assert arguments["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
    network = arguments.get("NetworkConfig", arguments)
    assert network["EnableNetworkIsolation"] is True
    assert network["EnableInterContainerTrafficEncryption"] is True
    assert "VpcConfig" not in network
    assert "KmsKeyId" not in json.dumps(arguments)


@pytest.mark.parametrize("name", JOBS)
def test_jobs_use_the_environments_key_and_vpc(secured, name):
    arguments = arguments_of(secured, name)
    network = arguments.get("NetworkConfig", arguments)
    assert network["VpcConfig"] == {"Subnets": ["subnet-0a", "subnet-0b"], "SecurityGroupIds": ["sg-0a"]}
    output = arguments.get("ProcessingOutputConfig") or arguments["OutputDataConfig"]
    assert output["KmsKeyId"] == KEY
    volume = arguments.get("ResourceConfig") or arguments["ProcessingResources"]["ClusterConfig"]
    assert volume["VolumeKmsKeyId"] == KEY


@pytest.mark.parametrize("name", JOBS)
def test_a_type_with_local_storage_gets_no_key_for_its_volume(settings, monkeypatch, name):
    monkeypatch.setattr(jobs, "DEFAULT_INSTANCE", "ml.g5.xlarge")
    arguments = arguments_of(build_definition(replace(settings, kms_key_arn=KEY), CODE, DATA), name)
    assert "VolumeKmsKeyId" not in json.dumps(arguments)
    output = arguments.get("ProcessingOutputConfig") or arguments["OutputDataConfig"]
    assert output["KmsKeyId"] == KEY


def test_the_list_of_types_with_local_storage_has_families_that_sagemaker_has():
    client = boto3.client("sagemaker", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    shapes = ("ProcessingInstanceType", "ProductionVariantInstanceType", "TrainingInstanceType")
    types = {kind for shape in shapes for kind in client.meta.service_model.shape_for(shape).enum}
    families = {kind.split(".")[1] for kind in types}
    assert families >= LOCAL_STORAGE
    # In EC2's names a "d" behind the generation means local disks, as in m5d or c6gd.
    named = {family for family in families if re.fullmatch(r"[a-z]\d+[a-z]*d[a-z]*", family)}
    assert named <= LOCAL_STORAGE
    assert [kind for kind in ("ml.m5.large", "ml.c5n.xlarge", "ml.t2.medium") if not takes_volume_key(kind)] == []


def test_the_definition_is_within_the_size_that_the_api_takes(secured):
    assert len(json.dumps(secured)) < 1024 * 1024


def test_the_build_offers_every_option_of_the_pipeline():
    text = (Path(__file__).parent.parent / "buildspec.yml").read_text(encoding="utf-8")
    assert [name for name in ("SPOT_TRAINING", "TUNING_JOBS", "CACHE_DAYS") if f"    {name}: " not in text] == []
