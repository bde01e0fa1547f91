"""The modules of each Worker: which files, under which names and types, laid out for the provider
to read.

A bundle holds the Worker's main module, the files of `functions` that it imports (found by
`imports`), the packages it may use and, for the api, the pages that it serves. The same inputs give
the same bytes, so a plan without changes is empty. Files lie under `.build/workers/{worker}/` and
are given to the provider by a path relative to the project folder: an absolute path would be part
of the state, and another checkout would plan a replacement.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.imports import UnparsableFileError, UnresolvedImportError, closure

OWN = "functions"
ENTRYPOINTS = Path("functions/entrypoints/cloudflare")
PACKAGES = Path(".build/python_modules")
PAGES = Path("dashboard")
LAYOUT = Path(".build/workers")
PYTHON_MODULES = "python_modules"

# The SDK is no longer part of the runtime from compatibility date 2026-04-21; it travels with the
# Worker.
RUNTIME_SDK = "workers_runtime_sdk"

# What wrangler sends: project files as Python, packages as data, except the JavaScript of the SDK.
PYTHON = "text/x-python"
DATA = "application/octet-stream"
JAVASCRIPT = "application/javascript+module"

_LEFT_OUT_FOLDERS = frozenset({"__pycache__", "tests", "bin"})
_LEFT_OUT_SUFFIXES = frozenset({".pyc", ".pyi", ".md"})
_PAGE_SUFFIXES = frozenset({".html", ".css", ".js", ".svg"})


class BundleError(Exception):
    """A Worker cannot be put together from what is on the disk."""


@dataclass(frozen=True, slots=True, order=True)
class Module:
    """One module as it is uploaded: its name in the Worker, its type and the file that holds its
    bytes."""

    name: str
    content_type: str
    source: Path


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is uploaded for one Worker. Modules are sorted by name."""

    worker: str
    modules: tuple[Module, ...]

    @property
    def main_module(self) -> str:
        return f"{self.worker}.py"

    def content_file(self, module: Module) -> str:
        """Where `lay_out` puts the module, relative to the project folder."""
        return (LAYOUT / self.worker / module.name).as_posix()


def collect(project: Path, worker: str) -> Bundle:
    """The bundle of one Worker. `edge` and `jobs` take the runtime's SDK only, `api` every package
    and the pages: what a Worker does not hold it need not load at a cold start, nor can be attacked
    through.

    Raises: BundleError.
    """
    entry = project / ENTRYPOINTS / f"{worker}.py"
    if not entry.is_file():
        raise BundleError(f"{ENTRYPOINTS.as_posix()}/{worker}.py is missing: it is the main module")
    packages = tuple(_packages(project, everything=worker == "api"))
    provided = {_top_level(module) for module in packages if ".dist-info/" not in module.name}
    if worker in provided:
        raise BundleError(
            f"a package brings a module {worker!r}, which hides the main module {worker}.py; "
            "rename one"
        )
    try:
        needed = closure(project, entry, OWN, provided)
    except (UnresolvedImportError, UnparsableFileError) as error:
        raise BundleError(f"The Worker {worker} cannot be bundled. {error}") from None
    own = [Module(file.relative_to(project).as_posix(), PYTHON, file) for file in needed]
    main = Module(f"{worker}.py", PYTHON, entry)
    pages = _pages(project) if worker == "api" else ()
    return Bundle(worker, tuple(sorted((main, *own, *packages, *pages))))


def lay_out(project: Path, bundle: Bundle) -> None:
    """Make the Worker's folder hold exactly the bundle.

    Each file is replaced in one step, and one that has not changed is not touched, so that another
    deployment from this checkout may read at the same time. Files that are no longer part of the
    bundle are removed.
    """
    folder = project / LAYOUT / bundle.worker
    wanted = {folder / module.name: module.source for module in bundle.modules}
    for target, source in wanted.items():
        _replace(target, source.read_bytes())
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif not path.is_dir() and path not in wanted and not path.name.startswith(_PARTIAL):
            path.unlink(missing_ok=True)


_PARTIAL = ".partial-"


def _replace(target: Path, content: bytes) -> None:
    if target.is_file() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=_PARTIAL, dir=target.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        partial.chmod(0o644)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _pages(project: Path) -> Iterator[Module]:
    """As data: a Worker finds them on its disk, beside its own files."""
    for file in sorted((project / PAGES).rglob("*")):
        if file.suffix in _PAGE_SUFFIXES:
            yield Module(file.relative_to(project).as_posix(), DATA, file)


def _packages(project: Path, *, everything: bool) -> Iterator[Module]:
    folder = project / PACKAGES
    if not any(folder.glob(f"{RUNTIME_SDK}-*.dist-info/RECORD")):
        raise BundleError(
            f"{PACKAGES.as_posix()} does not hold the Workers' packages; run `make wheels`"
        )
    pattern = "*" if everything else f"{RUNTIME_SDK}-*"
    for record in sorted(folder.glob(f"{pattern}.dist-info/RECORD")):
        for line in record.read_text(encoding="utf-8").splitlines():
            name = line.rsplit(",", 2)[0].strip('"')
            if _is_taken(name):
                yield Module(f"{PYTHON_MODULES}/{name}", _package_type(name), folder / name)


def _is_taken(name: str) -> bool:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        return False
    if path.parts[0].endswith(".dist-info"):
        # Packages find their plug-ins and each other's versions by these: opentelemetry raises
        # without its propagators, the SDK's import patches without the version that they patch.
        return path.name in {"entry_points.txt", "METADATA"}
    hidden = any(part.startswith(".") for part in path.parts)
    return not (
        hidden or _LEFT_OUT_FOLDERS.intersection(path.parts) or path.suffix in _LEFT_OUT_SUFFIXES
    )


def _package_type(name: str) -> str:
    return JAVASCRIPT if name.startswith("workers/") and name.endswith(".js") else DATA


def _top_level(module: Module) -> str:
    return Path(module.name).parts[1].partition(".")[0]
