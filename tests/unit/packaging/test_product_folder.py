"""A product folder is read whole, and whoever wrote it is told everything that is wrong with it."""

import re
from pathlib import Path

import pytest
from botocore.loaders import Loader

from components.packaging import Fault, ProductFolderError, VersionName, digest, discover, read_product
from components.packaging.product_description import TEXT_LIMITS, read_description
from tests.support.product_samples import DESCRIPTION, FILES, TEMPLATE, faults_of, make_product, write_files

SEED_CODE = Path(__file__).parents[3] / "seed_code"


def test_a_product_says_what_its_folder_says(tmp_path: Path) -> None:
    product = read_product(make_product(tmp_path))
    assert (product.slug, product.name, product.description) == ("churn", "Churn", "Trains a churn model.")
    assert (product.owner, product.version) == ("Data science", "1.2.0")
    assert (product.support_description, product.support_email) == ("Ask the team.", "team@example.com")
    assert product.support_url == "https://example.com/team"
    assert product.template == TEMPLATE
    assert product.parameters == ("SageMakerProjectName", "SageMakerProjectId")
    assert product.studio_parameters == ()
    assert product.endpoints == ()
    assert product.environment == {"Seed": {"Bucket": "", "Key": ""}, "Names": {"Project": "sm-mlops"}}
    assert {file.path: file.content.decode() for file in product.files} == FILES


def test_a_product_names_the_endpoints_of_the_services_that_it_calls(tmp_path: Path) -> None:
    named = f"{DESCRIPTION}endpoints: [sagemaker.api, sts]\n"
    assert read_product(make_product(tmp_path, description=named)).endpoints == ("sagemaker.api", "sts")


def test_studio_parameters_keep_their_order(tmp_path: Path) -> None:
    names = "studio: {parameters: [SageMakerProjectId, SageMakerProjectName]}\n"
    product = read_product(make_product(tmp_path, description=DESCRIPTION + names))
    assert product.studio_parameters == ("SageMakerProjectId", "SageMakerProjectName")


@pytest.mark.parametrize("slug", ["model-build-train", "model-deploy"])
def test_a_committed_product_can_be_published(slug: str) -> None:
    product = read_product(SEED_CODE / slug)
    whole, written = product.render(product.environment), product.template
    for code in product.functions.values():
        assert code.splitlines()[-1] in whole
    assert whole.split("ZipFile:")[0] == written.split("ZipFile:")[0]
    assert product.files, "a project made from it would begin with an empty repository"


def test_products_are_discovered_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b-second", "a-first", ".git", "__pycache__"):
        (tmp_path / name).mkdir()
    (tmp_path / "README.md").write_text("not a product")
    assert list(discover(tmp_path).items()) == [("a-first", tmp_path / "a-first"), ("b-second", tmp_path / "b-second")]


def test_a_missing_seed_code_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProductFolderError) as raised:
        discover(tmp_path / "seed_code")
    assert str(raised.value) == (
        "product folder 'seed_code' has a fault:\n  - .: is missing; it holds one folder for each product"
    )


def test_all_faults_of_a_folder_are_told_at_once_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    folder = make_product(
        tmp_path,
        slug="Churn",
        description=DESCRIPTION.replace("owner", "ovner"),
        template=TEMPLATE.replace("SageMakerProjectName: {", "ProjectName: {").replace("-churn", "-111122223333"),
        files={"id_rsa": "x"},
    )
    with pytest.raises(ProductFolderError) as raised:
        read_product(folder)
    assert [(fault.file, fault.line) for fault in raised.value.faults] == [
        (".", 0),
        ("product.yaml", 0),
        ("product.yaml", 3),
        ("repository/id_rsa", 0),
        ("template.yaml", 0),
        ("template.yaml", 16),
        ("template.yaml", 16),
    ]
    assert raised.value.product == "Churn"


def test_an_empty_folder_lacks_three_things(tmp_path: Path) -> None:
    folder = tmp_path / "churn"
    folder.mkdir()
    lacking = "is missing; a product folder has product.yaml, template.yaml and repository/"
    assert faults_of(folder) == [
        f"product.yaml: {lacking}",
        "repository/: is missing; it holds the files of a project's first commit",
        f"template.yaml: {lacking}",
    ]


def test_the_three_things_are_there_themselves_not_linked_from_elsewhere(tmp_path: Path) -> None:
    original = make_product(tmp_path / "elsewhere")
    folder = tmp_path / "churn"
    folder.mkdir()
    for name in ("product.yaml", "template.yaml", "repository"):
        (folder / name).symlink_to(original / name)
    assert faults_of(folder) == [
        "product.yaml: is a symbolic link; put the file itself here",
        "repository/: is a symbolic link; put the folder itself here",
        "template.yaml: is a symbolic link; put the file itself here",
    ]


@pytest.mark.parametrize("slug", ["Churn", "churn_model", "-churn", "churn--model", "2churn", "c" * 41])
def test_a_folder_name_that_cannot_be_part_of_a_name_in_aws_is_refused(tmp_path: Path, slug: str) -> None:
    assert faults_of(make_product(tmp_path, slug=slug)) == [
        ".: the folder's name is part of names in AWS: "
        "lower-case letters, digits and single dashes, a letter first, at most 40"
    ]


def described(**changes: str) -> str:
    """The description with whole lines changed, by key; an empty text leaves the line out."""
    lines = []
    for text in DESCRIPTION.splitlines():
        key = text.strip().partition(":")[0]
        indent = text[: len(text) - len(text.lstrip())]
        lines.append(f"{indent}{changes.pop(key)}" if key in changes else text)
    assert not changes
    return "\n".join(text for text in lines if text.strip()) + "\n"


DESCRIPTION_FAULTS = {
    "not YAML": (
        "name: a\nowner: b: c\n",
        ["product.yaml, line 2: is not YAML: mapping values are not allowed in this context"],
    ),
    "character": ("name: a\x07b\n", ["product.yaml, line 1: is not YAML: control characters are not allowed"]),
    "empty": ("", ["product.yaml, line 1: has no keys; see the files of another product for what belongs here"]),
    "list": ("- name\n", ["product.yaml, line 1: has no keys; see the files of another product for what belongs here"]),
    "key twice": (
        f"{DESCRIPTION}name: Again\n",
        ["product.yaml, line 9: key 'name' is already in line 1; keep one of them"],
    ),
    "alias": (
        DESCRIPTION.replace("name: Churn", "name: &it Churn").replace("owner: Data science", "owner: *it"),
        ["product.yaml, line 1: is used again through a YAML alias, which CloudFormation does not know; write it out"],
    ),
    "unknown key": (
        described(owner="ownr: x"),
        [
            "product.yaml: owner: is missing; it must be text of 1 to 8,191 characters",
            "product.yaml, line 3: ownr: is not a key of product.yaml; did you mean 'owner'?",
        ],
    ),
    "unknown inner key": (
        f"{DESCRIPTION}studio: {{parameter: [A]}}\n",
        ["product.yaml, line 9: studio.parameter: is not a key of product.yaml; did you mean 'studio.parameters'?"],
    ),
    "missing inner key": (
        described(email=""),
        ["product.yaml: support.email: is missing; it must be text of 1 to 254 characters"],
    ),
    "missing section": (
        DESCRIPTION.partition("support:")[0] + 'version: "1"\n',
        ["product.yaml: support: is missing; it holds the keys description, email, url"],
    ),
    "section without keys": (
        f"{DESCRIPTION}studio: none\n",
        ["product.yaml, line 9: studio: must hold the keys parameters"],
    ),
    "number": (
        described(version="version: 1.2"),
        ['product.yaml, line 8: version: must be text, not a number; put it in quotes: "1.2"'],
    ),
    "date": (
        described(version="version: 2026-01-02"),
        ['product.yaml, line 8: version: must be text, not a date; put it in quotes: "2026-01-02"'],
    ),
    "truth value": (
        described(name="name: yes"),
        ['product.yaml, line 1: name: must be text, not a truth value; put it in quotes: "yes"'],
    ),
    "nothing": (described(name="name:"), ["product.yaml, line 1: name: must be text, not nothing"]),
    "list for text": (described(name="name: [a]"), ["product.yaml, line 1: name: must be text, not a list"]),
    "keys for text": (described(name="name: {a: b}"), ["product.yaml, line 1: name: must be text, not keys"]),
    "text for list": (
        f"{DESCRIPTION}exceptions: tests/key.pem\n",
        ["product.yaml, line 9: exceptions: must be a list of texts"],
    ),
    "number in list": (
        f"{DESCRIPTION}exceptions: [1]\n",
        ["product.yaml, line 9: exceptions: must be a list of texts"],
    ),
    "seed": (
        f"{DESCRIPTION}seed: nothing\n",
        ["product.yaml, line 9: seed: can only be none; leave it out where a project gets repository/"],
    ),
    "roles": (
        f"{DESCRIPTION}roles: shared\n",
        ["product.yaml, line 9: roles: can only be own; leave it out where projects can share roles"],
    ),
    "empty text": (
        described(owner='owner: ""'),
        ["product.yaml, line 3: owner: Service Catalog takes 1 to 8,191 characters, this has 0"],
    ),
    "long name": (
        described(name=f"name: {'n' * 8192}"),
        ["product.yaml, line 1: name: Service Catalog takes 1 to 8,191 characters, this has 8,192"],
    ),
    "long e-mail": (
        described(email=f"email: {'e' * 250}@example.com"),
        ["product.yaml, line 6: support.email: Service Catalog takes 1 to 254 characters, this has 262"],
    ),
    "long address": (
        described(url=f"url: https://example.com/{'u' * 2083}"),
        ["product.yaml, line 7: support.url: Service Catalog takes 1 to 2,083 characters, this has 2,103"],
    ),
    "e-mail": (
        described(email="email: team"),
        ["product.yaml, line 6: support.email: 'team' is not an e-mail address: An email address must have an @-sign."],
    ),
    "address": (
        described(url="url: example.com/team"),
        [
            "product.yaml, line 7: support.url: 'example.com/team' is not an address of a page: "
            "it begins with https:// or http:// and has no spaces"
        ],
    ),
    "version": (
        described(version="version: 1.2 beta"),
        [
            "product.yaml, line 8: version: '1.2 beta' is not a version: "
            "letters, digits, dots, dashes and underscores, such as 1.0.0"
        ],
    ),
    "studio parameter": (
        f"{DESCRIPTION}studio: {{parameters: [SageMakerProjectIdd]}}\n",
        [
            "product.yaml: studio.parameters: template.yaml has no parameter 'SageMakerProjectIdd'"
            "; did you mean 'SageMakerProjectId'?"
        ],
    ),
}


@pytest.mark.parametrize(("description", "faults"), DESCRIPTION_FAULTS.values(), ids=DESCRIPTION_FAULTS)
def test_faults_of_the_description(tmp_path: Path, description: str, faults: list[str]) -> None:
    assert faults_of(make_product(tmp_path, description=description)) == faults


def test_a_fault_of_a_text_hides_nothing_that_the_checks_of_the_folder_must_know() -> None:
    description = f"{described(email='email: team')}exceptions: [secret repository/key.pem]\nseed: none\n"
    hints = read_description(description, lambda _line, _reason: None)
    assert hints is not None
    assert (hints.exceptions, hints.has_seed) == (("secret repository/key.pem",), False)


def test_the_limits_are_those_of_service_catalog() -> None:
    shapes = Loader().load_service_model("servicecatalog", "service-2")["shapes"]
    expected = {
        "name": "ProductViewName",
        "description": "ProductViewShortDescription",
        "owner": "ProductViewOwner",
        "support.description": "SupportDescription",
        "support.email": "SupportEmail",
        "support.url": "SupportUrl",
    }
    assert {key: shapes[shape]["max"] for key, shape in expected.items()} == {key: TEXT_LIMITS[key] for key in expected}
    longest = VersionName(stated="v" * TEXT_LIMITS["version"], content="0" * 8, environment="0" * 8)
    assert len(str(longest)) == shapes["ProvisioningArtifactName"]["max"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"name: \xff", "product.yaml: is not UTF-8 text: byte 6 is 0xff", id="not text"),
        pytest.param(
            b"\xef\xbb\xbfname: x",
            "product.yaml, line 1: begins with a byte order mark; save it as UTF-8 without one",
            id="byte order mark",
        ),
    ],
)
def test_a_file_that_is_not_plain_utf8_is_refused(tmp_path: Path, content: bytes, fault: str) -> None:
    folder = make_product(tmp_path)
    write_files(folder, {"product.yaml": content})
    assert faults_of(folder) == [fault]


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    folder = make_product(tmp_path)
    (folder / "product.yaml").unlink()
    (folder / "product.yaml").mkdir()
    assert faults_of(folder) == ["product.yaml: cannot be read: Is a directory"]


def test_identity_is_short_and_of_the_content_alone() -> None:
    assert digest("a template") == "2db841734c2f3f4d"
    assert digest("a template.") != digest("a template")


DEV = {"Names": {"Environment": "dev"}, "Seed": {"Bucket": "dev-products", "Key": "products/x/seed/0.zip"}}


def test_content_has_one_name_everywhere_and_what_an_environment_fills_in_another(tmp_path: Path) -> None:
    product = read_product(make_product(tmp_path))
    prod = {"Names": {"Environment": "prod"}, "Seed": {"Bucket": "prod-products", "Key": "products/x/seed/0.zip"}}
    in_dev, in_prod = product.version_name(DEV), product.version_name(prod)
    assert in_dev.of_content == in_prod.of_content == product.content_version
    assert in_dev.environment != in_prod.environment
    assert VersionName.read(str(in_dev)) == in_dev
    assert re.fullmatch(r"1\.2\.0-[0-9a-f]{8}\.[0-9a-f]{8}", str(in_dev))


@pytest.mark.parametrize("name", ["1.2.0-2db84173", "1.2.0", "2db84173.2db84173", "1.2.0-2db84173.2DB84173"])
def test_a_name_of_another_form_has_no_parts(name: str) -> None:
    assert VersionName.read(name) is None


def test_a_changed_template_or_file_changes_the_content_alone(tmp_path: Path) -> None:
    folder = make_product(tmp_path)
    names = [read_product(folder).version_name(DEV)]
    for path in ("template.yaml", "repository/README.md"):
        with (folder / path).open("a") as file:
            file.write("# a line more\n")
        names.append(read_product(folder).version_name(DEV))
    assert len({name.content for name in names}) == 3
    assert len({name.environment for name in names}) == 1


def test_the_key_of_the_seed_code_is_content_and_not_the_environments(tmp_path: Path) -> None:
    product = read_product(make_product(tmp_path))
    other = {**DEV, "Seed": {"Bucket": "dev-products", "Key": "products/x/seed/1.zip"}}
    assert product.version_name(other) == product.version_name(DEV)


def test_the_manifest_has_every_file_with_its_mode(tmp_path: Path) -> None:
    folder = make_product(tmp_path)
    before = read_product(folder).manifest
    (folder / "product.yaml").write_text(f"{DESCRIPTION}exceptions: [executable repository/README.md]\n")
    assert {"template.yaml", "repository/README.md"} <= set(before)
    assert all(re.fullmatch("[0-9a-f]{8}", value) for value in before.values())
    (folder / "repository" / "README.md").chmod(0o755)
    after = read_product(folder).manifest
    assert [path for path in before if before[path] != after[path]] == ["repository/README.md"]


def test_faults_are_compared_by_file_then_line() -> None:
    assert sorted([Fault("b", 1, "x"), Fault("a", 10, "x"), Fault("a", 2, "x")]) == [
        Fault("a", 2, "x"),
        Fault("a", 10, "x"),
        Fault("b", 1, "x"),
    ]
