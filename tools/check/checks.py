"""What a company edits, judged by one check each: all faults, in the words of whoever finds them; AWS is not asked."""

import os
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path

import pulumi

from components import packaging
from components.packaging import ProductFolderError, seed_code
from components.packaging.seed_files import write_files
from components.sections.iam import SuppliedRole
from settings import SettingsError
from tools import hints
from tools.check.recording import ACCOUNT_ID, nothing_looked_up, run_program
from tools.faults import ToolError
from tools.launch_permissions import roles
from tools.launch_permissions.findings import check as check_launches
from tools.stack_file import PROJECT, StackFile, stacks
from tools.template_lint import NO_LINTER, template_faults

_FOREIGN = ("MAKE", "MFLAGS", "PYTEST", "PYTHON", "VIRTUAL_ENV", "AWS_")
"""How variables begin that are no part of a product's repository: a person's own, and those of make itself."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a check tells."""

    looked_at: Sequence[str]
    """Stacks, products or files."""
    faults: Sequence[str] = ()
    notes: Sequence[str] = ()
    """What could not be judged, and who can."""


@dataclass(frozen=True)
class Mine:
    """What a company edits: the stack files of a folder, and the products beside the program."""

    folder: Path = PROJECT
    """Folder of the stack files."""

    @cached_property
    def files(self) -> Sequence[StackFile]:
        """Every stack file."""
        return [StackFile(stack, self.folder) for stack in stacks(self.folder)]

    @cached_property
    def refused(self) -> Mapping[str, str]:
        """Why settings are refused, by stack."""
        found = {}
        for file in self.files:
            try:
                file.check()
            except (SettingsError, ToolError) as error:
                found[file.stack] = str(error)
        return found

    @property
    def sound(self) -> Sequence[StackFile]:
        """The stack files whose settings are in order."""
        return [file for file in self.files if file.stack not in self.refused]

    @cached_property
    def folders(self) -> Mapping[str, Path]:
        """Every product folder, by name.

        Raises:
            ProductFolderError: there is no folder of them.
        """
        return packaging.discover(seed_code.SEED_CODE)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that is looked at."""

    name: str
    judge: Callable[[Mine], Found]
    announcement: str = ""
    """What is said before it, where it takes longer than seconds."""


def settings_of_stacks(mine: Mine) -> Found:
    """Return the settings of every stack file."""
    if not mine.files:
        return Found(looked_at=(), faults=[f"there is no Pulumi.<stack>.yaml in {mine.folder}"])
    return Found(looked_at=[file.stack for file in mine.files], faults=list(mine.refused.values()))


def products(mine: Mine) -> Found:
    """Every product folder, offered by a stack or not."""
    faults, notes = [], []
    try:
        folders = mine.folders
    except ProductFolderError as error:
        return Found(looked_at=(), faults=[str(error)])
    for slug in folders:
        try:
            notes += [note.within("seed_code", slug) for note in seed_code.product(slug).notes]
        except ProductFolderError as error:
            faults.append(str(error))
    return Found(looked_at=list(folders), faults=faults, notes=notes)


def program(mine: Mine) -> Found:
    """Run the program with every stack file, on an engine and an AWS that only take down what they are asked."""
    faults = []
    for file in mine.sound:
        account_ids = file.values.get("aws:allowedAccountIds") or [ACCOUNT_ID]
        try:
            with nothing_looked_up():
                run_program(file.values, file.stack, account_id=str(account_ids[0]))
        except pulumi.RunError as error:
            faults.append(f"{file.path.name}: {error}")
        except Exception as error:  # whatever the program raises is a fault of it or of what it is given
            faults.append(f"{file.path.name}: {_raised(error)}")
    return Found(looked_at=[file.stack for file in mine.sound], faults=faults, notes=_not_run(mine))


def templates(mine: Mine) -> Found:
    """Lint the products' templates as they are published, and those of their repositories."""
    looked_at: list[str] = []
    faults: list[str] = []
    with suppress(ProductFolderError):  # is a fault of the products
        repository_templates = sorted(
            str(path)
            for folder in mine.folders.values()
            for path in (folder / "repository").glob("*.yaml")
            if re.search(r"^AWSTemplateFormatVersion", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        )
        sound = [seed_code.product(slug) for slug in mine.folders if _is_sound(slug)]
        looked_at = [f"seed_code/{product.slug}/template.yaml" for product in sound]
        looked_at += [_shown(path) for path in repository_templates]
        try:
            faults += [fault for product in sound for fault in template_faults(product)]
            faults += _linted(repository_templates)
        except ToolError as error:
            faults.append(str(error))
    return Found(looked_at=sorted(looked_at), faults=faults)


def launches(mine: Mine) -> Found:
    """Whether the launch role of each stack can launch what the stack offers, and any stack's what none offers yet."""
    faults, notes, offered = [], [], set[str]()
    for file in mine.sound:
        slugs = file.settings.catalog.products if file.settings.catalog else ()
        offered.update(slugs)
        if isinstance(file.settings.iam.launch, SuppliedRole):
            tool = hints.tool("launch-permissions", "-s", file.stack, "--role-arn", "...")
            notes.append(f"{file.path.name}: its launch role is an administrator's, in AWS; `{tool}` judges it")
        elif slugs:
            lacking, unknown = _launch_faults(slugs, [roles.ours(file)])
            faults += [f"{file.path.name}: {fault}" for fault in lacking]
            notes += unknown
    with suppress(ProductFolderError):  # is a fault of the products
        others = [slug for slug in mine.folders if slug not in offered and _is_sound(slug)]
        lacking, unknown = _launch_faults(others, [replace(role, exact=False) for role in roles.of_any_stack()])
        faults += lacking
        notes += unknown
        offered.update(others)
    return Found(looked_at=sorted(offered), faults=faults, notes=list(dict.fromkeys(notes)))


def repositories(mine: Mine) -> Found:
    """Tell what becomes each project's first commit passes its own `make check`; without a Makefile it has none.

    As many at a time as there are processors. The first run installs the repository's own environment into its `.venv`,
    from the package index. A repository that is built on another product's is checked as projects get it: put together
    in `.repository` of the product's folder.
    """
    with suppress(ProductFolderError):
        folders = {slug: _repository(slug, folder) for slug, folder in mine.folders.items()}
        checked = {slug: folder for slug, folder in folders.items() if folder and (folder / "Makefile").is_file()}
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            faults = [fault for found in pool.map(_repository_faults, checked, checked.values()) for fault in found]
        notes = [
            f"seed_code/{slug}/repository has no Makefile, so no checks"
            for slug, folder in folders.items()
            if folder and slug not in checked
        ]
        return Found(looked_at=list(checked), faults=faults, notes=sorted(notes))
    return Found(looked_at=())


CHECKS = (
    Check(name="settings", judge=settings_of_stacks),
    Check(name="products", judge=products),
    Check(name="program", judge=program),
    Check(name="templates", judge=templates),
    Check(name="launches", judge=launches),
    Check(
        name="repositories",
        judge=repositories,
        announcement="`make check` in each product's repository; the first time installs what it needs",
    ),
)
"""In the order in which they are told."""


def _shown(path: str) -> str:
    return f"seed_code/{Path(path).relative_to(seed_code.SEED_CODE).as_posix()}"


def _linted(paths: Sequence[str]) -> Iterator[str]:
    """Tell what cfn-lint finds in templates that are used as they are."""
    if not paths:
        return
    linter = Path(sys.executable).with_name("cfn-lint")
    if not linter.exists():
        raise ToolError(NO_LINTER)
    command = [str(linter), "--format", "parseable", *paths]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    found = list(re.finditer(r"^(.+?):(\d+):\d+:\d+:\d+:(\w+):(.*)$", done.stdout, re.MULTILINE))
    yield from (
        f"{_shown(path)}, line {line}: {text} [{rule}]" for path, line, rule, text in (one.groups() for one in found)
    )
    if done.returncode and not found:
        yield f"cfn-lint ended with code {done.returncode}:\n{done.stdout}{done.stderr}".rstrip()


def _raised(error: Exception) -> str:
    """Return an exception in a line: where in this checkout, and what."""
    places = [
        f"{Path(frame.filename).relative_to(PROJECT)}:{frame.lineno}: "
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(PROJECT)
        and not Path(frame.filename).is_relative_to(sys.prefix)
        and not Path(frame.filename).is_relative_to(Path(__file__).parent)
    ]
    return f"the program fails: {places[-1] if places else ''}{type(error).__name__}: {error}"


def _not_run(mine: Mine) -> list[str]:
    return [f"Pulumi.{stack}.yaml: not run, its settings have faults" for stack in mine.refused]


def _is_sound(slug: str) -> bool:
    try:
        seed_code.product(slug)
    except ProductFolderError:
        return False
    return True


def _launch_faults(slugs: Sequence[str], judged: Sequence[roles.LaunchRole]) -> tuple[list[str], list[str]]:
    """Tell what launch roles lack for products, and what of it is not known; each thing once."""
    told, unknown = dict[str, None](), dict[str, None]()
    for role, slug in product(judged, slugs):
        found = check_launches([seed_code.product(slug)], role)
        unknown.update(dict.fromkeys(f"not known: {reason}" for reason in found.unknown))
        for finding in found.missing:
            what = f"{finding.product}: {finding.logical_id} ({finding.type_name})"
            told[f"{what}: the launch role lacks {finding.action} on {finding.resource}"] = None
        for finding in found.beyond_boundary:
            what = f"{finding.product}: {finding.logical_id} ({finding.type_name})"
            told[f"{what}: the boundary of projects' roles takes away {finding.action} on {finding.resource}"] = None
    return list(told), list(unknown)


def _repository(slug: str, folder: Path) -> Path | None:
    """Folder with what becomes a project's first commit; none where nobody can tell what that is."""
    own = folder / "repository"
    if not _is_sound(slug):
        # What is built on another product may have none of its own, and its faults are those of the products.
        return own if own.is_dir() else None
    product = seed_code.product(slug)
    if not any(file.base for file in product.files):
        return own
    whole = folder / ".repository"
    write_files(whole, product.files)
    return whole


def _repository_faults(slug: str, folder: Path) -> Sequence[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    # Threads of XGBoost that wait for each other would keep the processors from the repositories beside this one.
    environment.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        done = subprocess.run(  # noqa: S603 - the repository's own checks
            ["make", "check", f"PYTHON={sys.executable}"],  # noqa: S607 - whichever make is there
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return [f"seed_code/{slug}/{folder.name}: make is not installed"]
    if done.returncode:
        return [f"seed_code/{slug}/{folder.name}: `make check` fails:\n{done.stdout}".rstrip()]
    return []
