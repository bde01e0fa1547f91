"""Which files of the project a Python file needs, found by reading its imports.

Nothing is imported: the code is for another platform and most of it could not run here. Imports
under `if TYPE_CHECKING:` do not happen at run time and are passed over; imports inside functions
count.
"""

import ast
import gc
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# Brought by the Workers runtime itself. https://developers.cloudflare.com/workers/languages/python/
_RUNTIME = frozenset({"js", "pyodide", "pyodide_js", "workers"})
_RUNTIME_PREFIXES = ("_pyodide", "_cloudflare", "_workers")


class UnresolvedImportError(Exception):
    """An import that nothing in the bundle, the standard library or the runtime would satisfy."""

    def __init__(self, file: str, line: int, name: str, reason: str) -> None:
        super().__init__(
            f"{file}:{line} imports {name!r}: {reason}. A Worker holds only the project's own "
            "files that it imports, its packages of requirements/worker.in, the standard library "
            "and the runtime."
        )
        self.name = name


class UnparsableFileError(Exception):
    """A file that a bundle would hold is not Python."""

    def __init__(self, file: str, error: SyntaxError) -> None:
        super().__init__(f"{file}:{error.lineno} is not valid Python: {error.msg}")


@dataclass(frozen=True, slots=True)
class _Import:
    """One name that is imported: `import module`, or `from module import member`."""

    module: str
    member: str | None
    line: int


def closure(project: Path, entry: Path, own: str, provided: Iterable[str]) -> tuple[Path, ...]:
    """The files under the project's package `own` that `entry` imports, directly or not, sorted.

    `provided` are the top-level modules that the bundle brings beside them.
    Raises: UnresolvedImportError; UnparsableFileError.
    """
    known = _RUNTIME | frozenset(provided) | sys.stdlib_module_names
    reached: set[Path] = set()
    waiting = [entry]
    while waiting:
        file = waiting.pop()
        for one in _imports(project, file, is_entry=file == entry):
            for needed in _resolve(project, file, one, own, known):
                if needed not in reached:
                    reached.add(needed)
                    waiting.append(needed)
    return tuple(sorted(reached))


def _imports(project: Path, file: Path, *, is_entry: bool) -> Iterator[_Import]:
    shown = file.relative_to(project).as_posix()
    for node in _run_time_nodes(_tree(file, shown)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _Import(alias.name, None, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            if node.level and is_entry:
                reason = "a main module stands alone at the bundle's root, so relative imports fail"
                raise UnresolvedImportError(shown, node.lineno, "." * node.level, reason)
            module = _absolute(project, file, node)
            for alias in node.names:
                yield _Import(module, alias.name, node.lineno)


def _tree(file: Path, shown: str) -> ast.Module:
    collects = gc.isenabled()
    # Before 3.11.8 and 3.12.2 a finalizer that runs inside ast.parse makes it fail with a
    # SystemError (github.com/python/cpython/issues/106905), and Pulumi's outputs leave many to run.
    gc.disable()
    try:
        return ast.parse(file.read_bytes())
    except SyntaxError as error:
        raise UnparsableFileError(shown, error) from None
    finally:
        if collects:
            gc.enable()


def _run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for other in child.orelse:
                yield other
                yield from _run_time_nodes(other)
            continue
        yield child
        yield from _run_time_nodes(child)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _absolute(project: Path, file: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = file.relative_to(project).parts[: -node.level]
    return ".".join((*package, *(node.module or "").split("."))).rstrip(".")


def _resolve(
    project: Path, file: Path, one: _Import, own: str, known: frozenset[str]
) -> Iterator[Path]:
    top = one.module.partition(".")[0]
    shown = file.relative_to(project).as_posix()
    if top != own:
        if top not in known and not top.startswith(_RUNTIME_PREFIXES):
            raise UnresolvedImportError(shown, one.line, one.module, "nothing provides it")
        return
    parts = one.module.split(".")
    for depth in range(1, len(parts) + 1):
        found = _module_file(project, parts[:depth])
        if found is None:
            missing = ".".join(parts[:depth])
            raise UnresolvedImportError(shown, one.line, missing, "there is no such file")
        yield found
    if one.member is None:
        return
    member = _module_file(project, [*parts, one.member])
    if member is not None:
        yield member
        return
    package = project.joinpath(*parts, "__init__.py")
    if package.is_file() and one.member not in _names_of(package):
        name = f"{one.module}.{one.member}"
        raise UnresolvedImportError(shown, one.line, name, "there is no such file")


def _module_file(project: Path, parts: list[str]) -> Path | None:
    path = project.joinpath(*parts)
    candidates = (path / "__init__.py", path.with_name(path.name + ".py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _names_of(package: Path) -> set[str]:
    """Names that a package's `__init__` binds itself."""
    names: set[str] = {"*"}
    for node in ast.walk(_tree(package, package.name)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name for alias in node.names)
    return names
