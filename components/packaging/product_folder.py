"""A product folder, read and checked: `seed_code/<product>/{product.yaml, template.yaml, repository/}`.

A product can share: files of its repository with another product, and parts of its template with any.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from awsmodel.cloudformation.template import Template
from awsmodel.cloudformation.yaml_nodes import line as line_of
from components.core.faults import nearest, not_one_of
from components.packaging.exceptions import Exceptions
from components.packaging.faults import Fault, ProductFolderError, Report
from components.packaging.functions import block, code_nodes, read_functions
from components.packaging.git_features import check_git
from components.packaging.identity import VersionName, digest, environment_digest, short
from components.packaging.name_lengths import Name, check_names, names_of
from components.packaging.product_description import (
    FolderHints,
    ProductDescription,
    RepositoryFiles,
    TemplateParts,
    read_description,
)
from components.packaging.release_changes import listed
from components.packaging.secret_files import check_secrets
from components.packaging.seed_archive import archive, content_digest, file_digest
from components.packaging.seed_files import BaseFiles, FileReport, SeedFile, read_seed_files
from components.packaging.seed_limits import check_limits
from components.packaging.template import (
    MAX_BODY_BYTES,
    committed_environment,
    environment_faults,
    filled,
    read_template,
)
from components.packaging.template_references import check_references
from components.packaging.template_values import check_values
from components.packaging.whole_template import DESCRIPTION, TEMPLATE, WholeTemplate, read_whole_template
from components.packaging.yaml_source import read_text

_REPOSITORY = "repository"
_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MAX_SLUG = 40


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product that can be published: nothing in its folder is at fault."""

    slug: str
    """Name of the folder, for keys and logical names."""
    name: str
    description: str
    owner: str
    support_description: str
    support_email: str
    support_url: str
    version: str
    """The version that `product.yaml` states."""
    studio_parameters: tuple[str, ...]
    """Parameters that a person fills in, in order; empty where `product.yaml` lists none."""
    endpoints: tuple[str, ...]
    """Services that its builds, functions and jobs call, beside those that all do: the last parts of the names of their
    endpoints, such as `sagemaker.api`."""
    exceptions: tuple[str, ...]
    """What it means as it is though it looks like a mistake."""
    project_id_length: int
    """Most characters of a project's id that its names must have room for."""
    own_roles: bool
    """Whether its projects can only work with roles of their own."""
    files: tuple[SeedFile, ...]
    """The first commit of a project's repository, sorted by path."""
    seed_digest: str
    """SHA-256 of the paths, modes and contents of the files: 64 hexadecimal digits, whatever library makes the zip."""
    notes: tuple[Fault, ...]
    """What of the template nobody can judge before a launch."""
    source: Template = field(repr=False)
    """The template with its places in the text; `template` is the text alone."""
    whole: WholeTemplate = field(repr=False)
    """Where each line of the template stands: parts that it shares have files of their own."""
    names: tuple[Name, ...] = field(repr=False)
    """Names of resources that stand on the environment."""
    functions: Mapping[str, str] = field(default_factory=dict)
    """Code of its functions, by the paths of the files that the template names."""

    @property
    def template(self) -> str:
        """Text of the template as it is written, parts included."""
        return self.source.text

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the template's parameters, in the order of the text."""
        return tuple(self.source.section("Parameters"))

    @property
    def environment(self) -> Mapping[str, Mapping[str, str]]:
        """What the template wants to know of its environment: keys and committed values of its mapping."""
        return committed_environment(self.source)

    @cached_property
    def content_digest(self) -> str:
        """Hash of the template as it is written and of the files: the same wherever they are published."""
        code = (digest(f"{path} {text}") for path, text in sorted(self.functions.items()))
        return digest(" ".join([digest(self.template), self.seed_digest, *code]))

    @property
    def content_version(self) -> str:
        """What is the same of a version's name in every stack."""
        return f"{self.version}-{short(self.content_digest)}"

    @property
    def manifest(self) -> Mapping[str, str]:
        """Paths of the content from the product's folder, with short hashes; of many files only the folders.

        What is shared stands where it lies: in `../_parts` or in the folder of the base.
        """
        files = {path_in_folder(file): file_digest(file) for file in self.files}
        code = {path: digest(text) for path, text in self.functions.items()}
        return listed({**self.whole.manifest, **code, **files})

    def seed_zip(self) -> bytes:
        """The files as a zip: the same bytes for the same files, on every machine."""
        return archive(self.files)

    def render(self, environment: Mapping[str, Mapping[str, str]]) -> str:
        """The template with these values in its environment mapping; every other byte is as it is written.

        Raises:
            ProductFolderError: a value is missing, has no place in the mapping, or makes a name or the text too long.
        """
        faults: list[Fault] = []
        report = _to_template(faults, self.whole)
        for reason in environment_faults(self.source, environment):
            report(0, reason)
        if not faults:
            exceptions = Exceptions(self.exceptions)
            id_length = self.project_id_length
            check_names(self.names, self.source, report, exceptions, environment, id_length=id_length)
            code = ((node, block(node, self.functions[path])) for node, path in code_nodes(self.source))
            text = filled(self.source, environment, code)
            if len(text.encode()) > MAX_BODY_BYTES:
                report(0, f"has {len(text.encode()):,} bytes when filled in; CloudFormation takes {MAX_BODY_BYTES:,}")
        if faults:
            raise ProductFolderError(self.slug, faults)
        return text

    def place(self, line: int) -> tuple[str, int]:
        """File, as a path from the product's folder, and line of a line of the template as it is rendered."""
        added = 0
        for node, path in sorted(code_nodes(self.source), key=lambda one: one[0].start_mark.line):
            first, count = line_of(node) + added, block(node, self.functions[path]).count("\n")
            if line <= first:
                break
            if line <= first + count:
                return path, line - first
            added += count
        return self.whole.place(line - added)

    def version_name(self, environment: Mapping[str, Mapping[str, str]]) -> VersionName:
        """What people see of the version that these values make of it."""
        return VersionName(
            stated=self.version,
            content=short(self.content_digest),
            environment=short(environment_digest(environment)),
        )


def discover(seed_code: Path) -> Mapping[str, Path]:
    """Product folders by name, in the order of the names: every folder that does not begin with a dot or underscore.

    Raises:
        ProductFolderError: there is no such folder.
    """
    if not seed_code.is_dir():
        raise ProductFolderError(seed_code.name, [Fault(".", 0, "is missing; it holds one folder for each product")])
    folders = {path.name: path for path in seed_code.iterdir() if path.is_dir() and path.name[0] not in "._"}
    return dict(sorted(folders.items()))


def slug_fault(name: str) -> str | None:
    """What the name of a product folder must be; none where it is that."""
    if _SLUG.fullmatch(name) and len(name) <= _MAX_SLUG:
        return None
    return f"lower-case letters, digits and single dashes, a letter first, at most {_MAX_SLUG}"


def read_product(folder: Path) -> Product:
    """The product of a folder.

    Raises:
        ProductFolderError: with every fault of the folder.
    """
    faults: list[Fault] = []
    if (fault := slug_fault(folder.name)) is not None:
        faults.append(Fault(".", 0, f"the folder's name is part of names in AWS: {fault}"))
    description = _description(folder, faults)
    exceptions = Exceptions(description.exceptions if description else ())
    whole = _whole_template(folder, description, faults)
    # Which parts it has, nobody knows then, and everything would seem to lead nowhere.
    knows_parts = description is not None and "template" not in description.faulty
    judged = _template(whole, description, exceptions, faults) if whole and knows_parts else _JudgedTemplate()
    template = judged.template
    if description is not None and template is not None:
        _check_studio_parameters(description, template, _to(faults, DESCRIPTION))
    base = folder.parent / description.repository.base if description and description.repository.base else None
    functions = read_functions(folder, template, _to_template(faults, whole), base) if whole and template else {}
    files = _files(folder, description, exceptions, faults)
    for name in exceptions.idle if template is not None else ():
        _to(faults, DESCRIPTION)(0, f"exceptions: nothing needs {name!r}; take it out")
    if faults or not isinstance(description, ProductDescription) or whole is None or template is None:
        raise ProductFolderError(folder.name, faults)
    return Product(
        slug=folder.name,
        name=description.name,
        description=description.description,
        owner=description.owner,
        support_description=description.support.description,
        support_email=description.support.email,
        support_url=description.support.url,
        version=description.version,
        studio_parameters=description.studio.parameters,
        endpoints=description.endpoints,
        exceptions=description.exceptions,
        project_id_length=description.project_id_length,
        own_roles=description.roles == "own",
        files=files,
        seed_digest=content_digest(files),
        notes=judged.notes,
        source=template,
        whole=whole,
        names=judged.names,
        functions=functions,
    )


def _to(faults: list[Fault], file: str) -> Report:
    def report(line: int, reason: str) -> None:
        faults.append(Fault(file, line, reason))

    return report


def _description(folder: Path, faults: list[Fault]) -> ProductDescription | FolderHints | None:
    report = _to(faults, DESCRIPTION)
    text = read_text(folder / DESCRIPTION, report)
    return None if text is None else read_description(text, report)


def _to_template(faults: list[Fault], whole: WholeTemplate) -> Report:
    def report(line: int, reason: str) -> None:
        faults.append(Fault(*whole.place(line), reason))

    return report


def _whole_template(folder: Path, description: FolderHints | None, faults: list[Fault]) -> WholeTemplate | None:
    given = description.template if description else TemplateParts()
    return read_whole_template(folder, given, lambda file: _to(faults, file))


@dataclass(frozen=True)
class _JudgedTemplate:
    """A template, where it is one, and what else reading it has told."""

    template: Template | None = None
    notes: tuple[Fault, ...] = ()
    """What nobody can judge."""
    names: tuple[Name, ...] = ()
    """Names that stand on the environment."""


def _template(
    whole: WholeTemplate, description: FolderHints | None, exceptions: Exceptions, faults: list[Fault]
) -> _JudgedTemplate:
    found: list[tuple[int, str]] = []

    def report(line: int, reason: str) -> None:
        found.append((line, reason))

    template = read_template(whole.text, report, exceptions)
    notes: list[Fault] = []
    names: tuple[Name, ...] = ()
    if template is not None:
        hints = description or FolderHints()
        known = check_references(template, report, exceptions, seed=hints.has_seed)
        notes += [Fault(*whole.place(line), reason) for line, reason in known]
        check_values(template, report, exceptions)
        id_length, faulty = hints.project_id_length, {line for line, _ in found}
        names = check_names(names_of(template), template, report, exceptions, id_length=id_length, faulty=faulty)
    faults += [Fault(*whole.place(line), reason) for line, reason in found]
    return _JudgedTemplate(template, tuple(sorted(notes)), names)


def _check_studio_parameters(description: FolderHints, template: Template, report: Report) -> None:
    declared = list(template.section("Parameters"))
    for name in description.studio.parameters:
        if name not in declared:
            report(0, f"studio.parameters: {TEMPLATE} has no parameter {name!r}{nearest(name, declared)}")


def _files(
    folder: Path, description: FolderHints | None, exceptions: Exceptions, faults: list[Fault]
) -> tuple[SeedFile, ...]:
    def report_of(base: str) -> FileReport:
        def report(path: str, reason: str) -> None:
            # A name that is not UTF-8 could not be printed.
            shown = path.encode(errors="replace").decode()
            faults.append(Fault(_path_in_folder(shown, base), 0, reason))

        return report

    repository = folder / _REPOSITORY
    base = _base(folder, description, report_of, _to(faults, DESCRIPTION)) if description else None
    if base is None and not repository.exists() and description is not None and not _needs_files(description):
        return ()
    files = read_seed_files(repository, report_of(""), base)
    bases = {name: file.base for file in files for name in (file.path, repr(file.path))}

    def report(path: str, reason: str) -> None:
        report_of(bases.get(path, ""))(path, reason)

    check_limits(files, report)
    check_git(files, exceptions, report)
    check_secrets(files, exceptions, report)
    return files


def _needs_files(description: FolderHints) -> bool:
    """Whether there must be a `repository/`: not where it has a base, though that may be at fault."""
    return description.has_seed and not description.repository.base and "repository" not in description.faulty


def path_in_folder(file: SeedFile) -> str:
    """Path of a repository's file from the product's folder; of a base's, through the folder beside it."""
    return _path_in_folder(file.path, file.base)


def _path_in_folder(path: str, base: str) -> str:
    return f"../{base}/{_REPOSITORY}/{path}" if base else f"{_REPOSITORY}/{path}"


def _base(
    folder: Path, description: FolderHints, report_of: Callable[[str], FileReport], report: Report
) -> BaseFiles | None:
    """The files on which the repository is built; none where there are none, or none that can be."""
    given = description.repository
    if given == RepositoryFiles():
        return None
    if (reason := _base_fault(folder, description)) is not None:
        report(0, reason)
        return None
    return BaseFiles(
        product=given.base,
        folder=folder.parent / given.base / _REPOSITORY,
        report=report_of(given.base),
        without=given.without,
        report_unused=lambda path: report(
            0, f"repository.without: {given.base} has no file or folder {path!r} in its repository/; take it out"
        ),
    )


def _base_fault(folder: Path, description: FolderHints) -> str | None:
    """Why a repository cannot be built as `product.yaml` says."""
    base = description.repository.base
    if not base:
        return "repository.without: leaves out files of a base, and repository.from names none"
    if not description.has_seed:
        return "repository: no project gets the files of repository/ where it says `seed: none`; keep one of the two"
    others = [name for name in discover(folder.parent) if name != folder.name]
    if base not in others:
        return f"repository.from: {not_one_of(base, others)}"
    text = read_text(folder.parent / base / DESCRIPTION, _unheard)
    reason = _why_no_base(base, None if text is None else read_description(text, _unheard))
    return None if reason is None else f"repository.from: {reason}"


def _why_no_base(name: str, description: FolderHints | None) -> str | None:
    if description is None:
        return f"the product.yaml of {name} cannot be read; mend it first"
    if not description.has_seed:
        return f"{name} says `seed: none`, so no project gets its files; name another product"
    if (base := description.repository.base) or "repository" in description.faulty:
        return f"{name} is built on {base or 'another product'} itself; name a product whose files are all its own"
    return None


def _unheard(_line: int, _reason: str) -> None:
    """Take a fault of another product, which is told where that one is read."""
