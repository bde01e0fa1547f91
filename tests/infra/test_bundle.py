"""What each Worker is made of, and that the same inputs give the same bytes wherever they lie."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from infra.bundle import Bundle, BundleError, collect, lay_out
from tests.infra.project import a_package, a_project, a_small_project

WORKERS = ("edge", "api", "jobs")


def names(bundle: Bundle) -> set[str]:
    return {module.name for module in bundle.modules}


def packages(bundle: Bundle) -> set[str]:
    return {Path(name).parts[1] for name in names(bundle) if name.startswith("python_modules/")}


def digest(bundle: Bundle) -> str:
    """One hash over what is uploaded: names, types, bytes, in order."""
    whole = hashlib.sha256()
    for module in bundle.modules:
        content = hashlib.sha256(module.source.read_bytes()).hexdigest()
        whole.update(f"{module.name} {module.content_type} {content}\n".encode())
    return whole.hexdigest()


def laid_out(project: Path, worker: str) -> dict[str, bytes]:
    folder = project / ".build/workers" / worker
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("worker", WORKERS)
def test_the_main_module_lies_at_the_root(tmp_path: Path, worker: str) -> None:
    bundle = collect(a_small_project(tmp_path), worker)
    assert bundle.main_module == f"{worker}.py"
    main = next(module for module in bundle.modules if module.name == f"{worker}.py")
    assert main.content_type == "text/x-python"
    assert main.source == tmp_path / f"functions/entrypoints/cloudflare/{worker}.py"


@pytest.mark.parametrize("worker", WORKERS)
def test_the_same_inputs_give_the_same_bytes_twice_and_at_another_path(
    tmp_path: Path, worker: str
) -> None:
    here, there = a_project(tmp_path / "here"), a_project(tmp_path / "there")
    first, again, other = collect(here, worker), collect(here, worker), collect(there, worker)
    assert digest(first) == digest(again) == digest(other)
    assert [first.content_file(one) for one in first.modules] == [
        other.content_file(one) for one in other.modules
    ]


def test_paths_are_relative_to_the_project(tmp_path: Path) -> None:
    bundle = collect(a_small_project(tmp_path), "edge")
    paths = {bundle.content_file(module) for module in bundle.modules}
    assert ".build/workers/edge/edge.py" in paths
    assert all(path.startswith(".build/workers/edge/") for path in paths)


@pytest.mark.parametrize("worker", ["edge", "jobs"])
def test_edge_and_jobs_take_the_runtime_sdk_and_no_other_package(
    tmp_path: Path, worker: str
) -> None:
    assert packages(collect(a_project(tmp_path), worker)) == {
        "asgi.py",
        "_workers_sdk_patch_loader.pth",
        "workers",
        "workers_runtime_sdk-1.0.dist-info",
    }


def test_api_takes_every_package(tmp_path: Path) -> None:
    taken = packages(collect(a_project(tmp_path), "api"))
    assert {"fastapi", "pydantic", "pydantic_core", "starlette", "workers", "asgi.py"} <= taken


def test_edge_holds_neither_the_api_nor_anything_that_writes(tmp_path: Path) -> None:
    held = names(collect(a_project(tmp_path), "edge"))
    for part in ("api", "jobs", "compose/api", "compose/jobs"):
        assert f"functions/entrypoints/cloudflare/{part}.py" not in held
    assert "functions/adapters/cloudflare/r2_store.py" not in held
    assert "functions/adapters/cloudflare/queue.py" not in held
    assert not any(name.startswith("functions/adapters/local") for name in held)
    assert "functions/core/validation.py" not in held


# Stands in for the runtime (js, pyodide, workers): every attribute is a class of that name.
IMPORT_MAIN = """
import importlib.abc, importlib.machinery, sys, types
def attribute(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {})
class Runtime(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {"js", "pyodide", "workers", "asgi"}:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__getattr__ = attribute
        return module
    def exec_module(self, module): pass
sys.meta_path.insert(0, Runtime())
folder, worker, *packages = sys.argv[1:]
sys.path[:] = [folder, *(path for path in sys.path if "site-packages" not in path), *packages]
sys.dont_write_bytecode = True
main = __import__(worker)
print(main.Default.__name__, main.__file__ == f"{folder}/{worker}.py")
"""


@pytest.mark.parametrize("worker", WORKERS)
def test_a_laid_out_worker_imports_with_nothing_but_its_bundle(tmp_path: Path, worker: str) -> None:
    project = a_project(tmp_path)
    lay_out(project, collect(project, worker))
    # The wheels for the Worker do not run here; the api imports the same packages built for this
    # machine.
    packages = [sysconfig.get_path("purelib")] if worker == "api" else []
    shutil.rmtree(folder := project / ".build/workers" / worker / "python_modules")
    done = subprocess.run(
        [sys.executable, "-I", "-c", IMPORT_MAIN, str(folder.parent), worker, *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "Default True\n", done.stderr


def test_types_are_those_that_wrangler_sends(tmp_path: Path) -> None:
    types = {
        module.name: module.content_type
        for module in collect(a_small_project(tmp_path), "edge").modules
    }
    assert types["functions/core/rules.py"] == "text/x-python"
    assert types["python_modules/workers/__init__.py"] == "application/octet-stream"
    assert types["python_modules/workers/workflows.js"] == "application/javascript+module"
    assert types["python_modules/_workers_sdk_patch_loader.pth"] == "application/octet-stream"


def test_what_no_worker_needs_is_left_out_of_packages(tmp_path: Path) -> None:
    project = a_small_project(tmp_path)
    a_package(
        project,
        "some_package",
        "some/__init__.py",
        "some/native.cpython-314-wasm32-emscripten.so",
        "some/types.pyi",
        "some/tests/test_it.py",
        "some/__pycache__/x.cpython-314.pyc",
        "some/.agents/notes.md",
        "../../bin/some",
        "some_package-1.0.dist-info/entry_points.txt",
    )
    kept = {name for name in names(collect(project, "api")) if "some" in name}
    assert kept == {
        "python_modules/some/__init__.py",
        "python_modules/some/native.cpython-314-wasm32-emscripten.so",
        # Plug-ins and versions are found by these: without, opentelemetry raises at the first
        # request.
        "python_modules/some_package-1.0.dist-info/METADATA",
        "python_modules/some_package-1.0.dist-info/entry_points.txt",
    }


def test_laying_out_gives_exactly_the_bundle(tmp_path: Path) -> None:
    project = a_small_project(tmp_path)
    bundle = collect(project, "edge")
    lay_out(project, bundle)
    assert laid_out(project, "edge") == {
        module.name: module.source.read_bytes() for module in bundle.modules
    }


def test_laying_out_again_touches_nothing(tmp_path: Path) -> None:
    project = a_small_project(tmp_path)
    lay_out(project, collect(project, "edge"))
    files = [path for path in (project / ".build/workers/edge").rglob("*") if path.is_file()]
    for path in files:
        os.utime(path, ns=(1, 1))
    lay_out(project, collect(project, "edge"))
    assert {path.stat().st_mtime_ns for path in files} == {1}


def test_what_is_no_longer_part_of_a_bundle_is_removed(tmp_path: Path) -> None:
    project = a_small_project(tmp_path)
    lay_out(project, collect(project, "edge"))
    stale = project / ".build/workers/edge/functions/old/gone.py"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    lay_out(project, collect(project, "edge"))
    assert not stale.exists()
    assert not stale.parent.exists()


def test_an_edited_file_of_one_worker_changes_that_worker_only(tmp_path: Path) -> None:
    project = a_small_project(
        tmp_path,
        functions__core__serving="X = 1\n",
        functions__entrypoints__cloudflare__edge="import functions.core.serving\n",
    )
    before = {worker: digest(collect(project, worker)) for worker in WORKERS}
    (project / "functions/core/serving.py").write_text("X = 2\n")
    after = {worker: digest(collect(project, worker)) for worker in WORKERS}
    assert {worker for worker in WORKERS if before[worker] != after[worker]} == {"edge"}


def test_a_missing_main_module_is_named(tmp_path: Path) -> None:
    project = a_small_project(tmp_path)
    (project / "functions/entrypoints/cloudflare/jobs.py").unlink()
    with pytest.raises(BundleError, match=r"cloudflare/jobs\.py is missing"):
        collect(project, "jobs")


def test_missing_packages_come_with_the_command_that_brings_them(tmp_path: Path) -> None:
    project = a_small_project(tmp_path)
    (project / ".build/python_modules/workers_runtime_sdk-1.0.dist-info/RECORD").unlink()
    with pytest.raises(BundleError, match="make wheels"):
        collect(project, "edge")


def test_an_import_that_the_worker_would_not_find_is_refused(tmp_path: Path) -> None:
    project = a_small_project(tmp_path, functions__core__rules="import fastapi\n")
    with pytest.raises(BundleError, match=r"edge cannot be bundled.*rules\.py:1 imports 'fastapi'"):
        collect(project, "edge")


def test_a_package_that_would_hide_the_main_module_is_refused(tmp_path: Path) -> None:
    project = a_small_project(tmp_path)
    a_package(project, "api", "api/__init__.py")
    with pytest.raises(BundleError, match=r"hides the main module api\.py"):
        collect(project, "api")
