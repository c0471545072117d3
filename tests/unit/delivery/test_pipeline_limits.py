"""Whatever AWS would refuse of a pipeline is told before anything is registered, all of it at once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from awsmodel.regions import known_regions
from components.delivery.actions.action import Action, PipelineContext
from components.delivery.actions.approval import Approval
from components.delivery.actions.build import Build, BuildDefinition
from components.delivery.actions.source import PushFilter
from components.delivery.pipeline import DeploymentWindow, ExecutionMode, OnFailure, Stage, Variable
from components.delivery.pipeline_limits import faults
from components.sections.build_machine import Machine, MachineType
from tests.support.pipeline_samples import ACCOUNT, CHECK, codecommit, connection, stages

SIX = tuple(DeploymentWindow(name=f"W{n}", cron="x") for n in range(6))
ROLE = "arn:aws:iam::111122223333:role/deploys"


def found(declared: Sequence[Stage], pipeline: str = "acme-dev-delivery", **more: Any) -> list[str]:
    context = PipelineContext(pipeline=pipeline, home=known_regions()["us-east-2"], account_id=ACCOUNT)
    return faults(context, declared, store_regions=["us-east-2", "eu-west-1"], **more)


def with_action(action: Action) -> list[Stage]:
    return [*stages()[:2], Stage(name="Last", actions=(action,))]


def test_a_sound_pipeline_has_no_fault() -> None:
    assert found(stages()) == []
    assert found(stages(connection())) == []


def test_all_faults_are_told_at_once() -> None:
    spoilt = (
        replace(stages()[0], name="So urce"),
        replace(stages()[1], name=""),
        Stage(name="Deliver", actions=(Build(name="x" * 101, build=CHECK, inputs=("missing",)),)),
    )
    told = found(spoilt, "a" * 60, variables=[Variable(name="a b")])
    assert [fault.split(":")[0] for fault in told] == [
        f"the name {'a' * 60!r}",
        "variable 'a b'",
        "stage So urce",
        "stage ",
        f"stage Deliver, action {'x' * 101}",
        f"stage Deliver, action {'x' * 101}",
        f"role {'a' * 60 + '-check'!r}",
    ]


LIMITS: list[tuple[str, Action, str]] = [
    ("a text of 1,001", Approval(name="A", text="x" * 1001), "CustomData: 1001 characters; AWS takes 1000"),
    ("an empty text", Approval(name="A", text=""), "CustomData: it is empty, and AWS takes no empty value"),
    ("a link that is none", Approval(name="A", text="?", link="javascript:x"), "is not an address that starts with"),
    ("an hour too little", Approval(name="A", text="?", timeout_minutes=4), "a time limit of 4 minutes; AWS takes 5"),
    (
        "variables that are too long together",
        Build(name="A", build=CHECK, variables={"A": "x" * 500, "B": "x" * 500}),
        "EnvironmentVariables: 1087 characters; AWS takes 1000",
    ),
    ("a variable's name", Build(name="A", build=CHECK, variables={"1A": "x"}), "environment variable '1A': letters"),
    (
        "AWS's own variables",
        Build(name="A", build=CHECK, variables={"CODEBUILD_X": "x"}),
        "the prefix CODEBUILD_ is AWS's own",
    ),
    ("no input", Build(name="A", build=CHECK, inputs=()), "0 input artifacts; AWS takes 1 to 5 of CodeBuild"),
    ("an artifact's name", Build(name="A", build=CHECK, outputs=("a.b",)), "output artifact 'a.b': 1 to 100 letters"),
    ("a namespace", Build(name="A", build=CHECK, namespace="a.b"), "namespace 'a.b': 1 to 100 letters"),
    ("AWS's own namespace", Build(name="A", build=CHECK, namespace="variables"), "'variables' is AWS's own"),
    ("an order", Build(name="A", build=CHECK, run_order=1000), "run order 1000; AWS takes 1 to 999"),
    ("a region without a store", Build(name="A", build=CHECK, region="eu-west-2"), "region eu-west-2: there is no"),
    ("an artifact of nobody", Build(name="A", build=CHECK, inputs=("x",)), "no earlier action makes the artifact 'x'"),
    ("an artifact made twice", Build(name="A", build=CHECK, outputs=("source",)), "two actions make the artifact"),
    ("a source in the middle", codecommit(), "source actions stand in the first stage only, not Source"),
]


@pytest.mark.parametrize(("action", "told"), [pytest.param(*rest, id=name) for name, *rest in LIMITS])
def test_an_action_that_aws_would_refuse_is_told(action: Action, told: str) -> None:
    assert any(told in fault for fault in found(with_action(action))), found(with_action(action))


@pytest.mark.parametrize(
    ("action", "limit"),
    [
        (Approval(name="A", text="x" * 1000), "a text of 1,000"),
        (Approval(name="A", text="?", timeout_minutes=86400), "sixty days"),
        (Build(name="A" * 100, build=CHECK, run_order=999), "the longest name, the last order"),
    ],
)
def test_what_just_fits_is_taken(action: Action, limit: str) -> None:
    assert found(with_action(action)) == [], limit


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        pytest.param(stages()[:1], "1 stages; AWS takes 2 to 50", id="one stage"),
        pytest.param([*stages(), *stages()[1:2]], "two stages are named 'Check'", id="stages of one name"),
        pytest.param([*stages(), *stages()[1:2]], "two actions have the namespace 'Check'", id="namespaces"),
        pytest.param(stages()[1:], "the first stage holds source actions only", id="no source first"),
        pytest.param(stages()[1:], "there is no source action", id="no source at all"),
        pytest.param(
            [*stages(), *(Stage(name=f"S{n}", actions=stages()[2].actions) for n in range(48))],
            "51 stages; AWS takes 2 to 50",
            id="51 stages",
        ),
        pytest.param(
            [*stages(), Stage(name="Many", actions=tuple(Approval(name=f"A{n}", text="?") for n in range(51)))],
            "stage Many: 51 actions; AWS takes 1 to 50",
            id="51 actions",
        ),
        pytest.param([*stages(), Stage(name="None", actions=())], "stage None: 0 actions", id="no action"),
        pytest.param(
            [*stages(), Stage(name="Two", actions=(Approval(name="A", text="?"), Approval(name="A", text="?")))],
            "stage Two: two actions are named 'A'",
            id="actions of one name",
        ),
        pytest.param(
            [replace(stages()[0], on_failure=OnFailure.ROLLBACK), *stages()[1:]],
            "the first stage can neither be rolled back",
            id="a source that is rolled back",
        ),
        pytest.param(
            [replace(stages()[0], entry=(DeploymentWindow(cron="x"),)), *stages()[1:]],
            "nor have conditions of entry",
            id="a source with conditions",
        ),
        pytest.param(
            [*stages()[:2], replace(stages()[2], on_failure=OnFailure.RETRY_FAILED_ACTIONS)],
            "whoever rejects its approval would be asked again",
            id="an approval that is tried again",
        ),
        pytest.param(
            [*stages()[:2], replace(stages()[2], entry=(DeploymentWindow(cron="x"), DeploymentWindow(cron="y")))],
            "two conditions are named 'Window'",
            id="conditions of one name",
        ),
        pytest.param(
            [
                *stages()[:2],
                replace(stages()[2], entry=tuple(DeploymentWindow(name=f"W{n}", cron="x") for n in range(6))),
            ],
            "6 conditions of entry; AWS takes 5",
            id="six conditions",
        ),
    ],
)
def test_a_structure_that_aws_would_refuse_is_told(spoilt: Sequence[Stage], told: str) -> None:
    assert any(told in fault for fault in found(spoilt)), found(spoilt)


def test_an_artifact_of_the_same_moment_is_not_there_yet() -> None:
    makes = Build(name="Makes", build=CHECK, outputs=("made",))
    reads = Build(name="Reads", build=CHECK, inputs=("made",))
    both = [*stages()[:2], Stage(name="Last", actions=(makes, reads))]
    assert found(both) == ["stage Last, action Reads: no earlier action makes the artifact 'made'"]
    assert found([*both[:2], Stage(name="Last", actions=(makes, replace(reads, run_order=2)))]) == []


def test_no_artifact_that_is_read_shares_the_folder_of_another() -> None:
    """Keys of artifacts carry ten characters of the name, and rights are those on keys."""
    makes = [
        Build(name="Makes", build=CHECK, outputs=("release-of-dev",)),
        Build(name="Overwrites", build=CHECK, outputs=("release-of-prod",)),
    ]
    made = [*stages()[:2], Stage(name="Makes", actions=tuple(makes))]
    assert found(made) == []
    reads = Stage(name="Reads", actions=(Build(name="Reads", build=CHECK, inputs=("release-of-prod",)),))
    (told,) = found([*made, reads])
    assert "'release-of-prod' and 'release-of-dev' begin with the same 10 characters" in told


def test_there_is_no_rollback_in_parallel() -> None:
    rolled = [*stages()[:1], replace(stages()[1], on_failure=OnFailure.ROLLBACK)]
    assert found(rolled) == []
    (told,) = found(rolled, mode=ExecutionMode.PARALLEL)
    assert "no rollback where executions run in parallel" in told


@pytest.mark.parametrize(
    ("push", "told"),
    [
        (PushFilter(), "a filter of pushes is empty"),
        (PushFilter(branches=("main",), tags=("v*",)), "branches and paths, or tags; use a filter for each"),
        (PushFilter(paths=("docs/**",)), "name the branches, too"),
        (PushFilter(branches=tuple("abcdefghi")), "9 branches in a filter of pushes; AWS takes 8"),
        (PushFilter(tags=("x" * 256,)), "1 to 255 characters are allowed"),
    ],
)
def test_a_filter_that_aws_would_refuse_is_told(push: PushFilter, told: str) -> None:
    assert any(told in fault for fault in found(stages(replace(connection(), pushes=(push,)))))


def test_codecommit_knows_no_filters() -> None:
    (told,) = found(stages(replace(codecommit(), pushes=(PushFilter(branches=("main",)),))))
    assert "filters of pushes are for Git providers" in told


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        (Variable(name="a b"), "1 to 128 letters, digits, @, - and _ are allowed"),
        (Variable(name="a", default=""), "its default has 0 characters; AWS takes 1 to 1000"),
        (Variable(name="a", default="x" * 1001), "its default has 1001 characters"),
        (Variable(name="a", description="x" * 201), "its description has 201 characters; at most 200"),
    ],
)
def test_a_variable_that_aws_would_refuse_is_told(variable: Variable, told: str) -> None:
    (fault,) = found(stages(), variables=[variable])
    assert told in fault


def test_there_are_fifty_variables_at_most() -> None:
    assert found(stages(), variables=[Variable(name=f"v{n}") for n in range(50)]) == []
    assert found(stages(), variables=[Variable(name=f"v{n}") for n in range(51)]) == ["51 variables; AWS takes 50"]


@pytest.mark.parametrize(
    ("machine", "told"),
    [
        (Machine(type=MachineType.ARM, compute_type="BUILD_LAMBDA_1GB"), "is not one of ARM_CONTAINER"),
        (Machine(timeout_minutes=4), "a time limit of 4 minutes is not between 5 and 2160"),
    ],
)
def test_a_machine_that_aws_would_refuse_is_told(machine: Machine, told: str) -> None:
    build = Build(name="A", build=BuildDefinition(name="b", buildspec="b.yml", machine=machine))
    (fault,) = found(with_action(build))
    assert told in fault


@pytest.mark.parametrize("type_", list(MachineType))
def test_every_machine_has_a_size_that_aws_takes(type_: MachineType) -> None:
    assert list(Machine(type=type_).faults()) == []


def test_two_definitions_do_not_share_a_project() -> None:
    other = BuildDefinition(name="check", buildspec="other.yml")
    (told,) = found(with_action(Build(name="A", build=other)))
    assert told == "build project acme-dev-delivery-check: two definitions have this name"


def test_the_names_of_roles_fit_into_iam() -> None:
    long = BuildDefinition(name="x" * 50, buildspec="b.yml")
    (told,) = found(with_action(Build(name="A", build=long)))
    assert told == f"role 'acme-dev-delivery-{'x' * 50}': 68 characters; IAM takes 64"
    assert found(with_action(Build(name="A", build=replace(long, role_arn=ROLE)))) == []
    (told,) = found(with_action(Build(name="A", build=replace(long, name="x" * 40), region="eu-west-1")))
    assert told.endswith("-eu-west-1': 68 characters; IAM takes 64")


def test_a_pipelines_name_leaves_room_for_its_rules() -> None:
    assert found(stages(), "a" * 55)[:1] == []
    assert "55 fit" in found(stages(), "a" * 56)[0]
