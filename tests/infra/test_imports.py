from pathlib import Path

import pytest

from infra.imports import UnparsableFileError, UnresolvedImportError, closure

PROVIDED = ("workers", "asgi")


def a_package(folder: Path, **files: str) -> Path:
    """Files of a package `own` by path, with `__` for `/`; every folder gets an `__init__.py`."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for parent in {path.parent for path in folder.rglob("*.py")} - {folder}:
        while parent != folder:
            if not (parent / "__init__.py").exists():
                (parent / "__init__.py").write_text("", encoding="utf-8")
            parent = parent.parent
    return folder


def reached(project: Path, entry: str = "main.py") -> list[str]:
    found = closure(project, project / entry, "own", PROVIDED)
    return [path.relative_to(project).as_posix() for path in found]


def test_imports_are_followed_through_every_file_and_package(tmp_path: Path) -> None:
    a_package(
        tmp_path,
        main="import own.a.one\n",
        own__a__one="from own.b import two\n",
        own__b__two="from own.c.three import NAME\n",
        own__c__three="NAME = 1\n",
        own__unused="raise SystemExit\n",
    )
    assert reached(tmp_path) == [
        "own/__init__.py",
        "own/a/__init__.py",
        "own/a/one.py",
        "own/b/__init__.py",
        "own/b/two.py",
        "own/c/__init__.py",
        "own/c/three.py",
    ]


def test_relative_imports_and_imports_in_functions_count(tmp_path: Path) -> None:
    a_package(
        tmp_path,
        main="import own.a.one\n",
        own__a__one="def f():\n    from ..b import two\n    from . import four\n",
        own__b__two="",
        own__a__four="from .five import x\n",
        own__a__five="x = 1\n",
    )
    found = reached(tmp_path)
    assert {"own/b/two.py", "own/a/four.py", "own/a/five.py"} <= set(found)


def test_what_only_type_checkers_import_is_passed_over(tmp_path: Path) -> None:
    a_package(
        tmp_path,
        main=(
            "from typing import TYPE_CHECKING\nimport typing\n"
            "if TYPE_CHECKING:\n    import mypy_boto3_s3\n    import own.a\n"
            "else:\n    import own.b\n"
            "if typing.TYPE_CHECKING:\n    import nothing\n"
        ),
        own__a="",
        own__b="",
    )
    assert reached(tmp_path) == ["own/__init__.py", "own/b.py"]


def test_a_circle_of_imports_ends(tmp_path: Path) -> None:
    a_package(tmp_path, main="import own.a\n", own__a="import own.b\n", own__b="import own.a\n")
    assert reached(tmp_path) == ["own/__init__.py", "own/a.py", "own/b.py"]


@pytest.mark.parametrize(
    "text",
    [
        "import json\nimport xml.etree.ElementTree\n",
        "import js\nfrom pyodide.ffi import to_js\nimport _pyodide_entrypoint_helper\n",
        "from workers import Response\nimport asgi\n",
    ],
)
def test_the_standard_library_the_runtime_and_packages_resolve(tmp_path: Path, text: str) -> None:
    a_package(tmp_path, main=text)
    assert reached(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import boto3\n", "boto3"),
        ("def f():\n    import fastapi.responses\n", "fastapi.responses"),
        ("import own.nowhere\n", "own.nowhere"),
        ("from own import nowhere\n", "own.nowhere"),
        ("from own.a import nowhere\n", "own.a.nowhere"),
        ("from own.nowhere import x\n", "own.nowhere"),
    ],
)
def test_an_import_that_nothing_satisfies_is_refused_with_its_place(
    tmp_path: Path, text: str, name: str
) -> None:
    a_package(tmp_path, main="import own.deep.file\n", own__deep__file=text, own__a__b="")
    with pytest.raises(UnresolvedImportError) as raised:
        reached(tmp_path)
    assert raised.value.name == name
    assert "own/deep/file.py:" in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


def test_a_name_that_a_package_defines_itself_is_no_file(tmp_path: Path) -> None:
    a_package(tmp_path, main="from own.a import NAME, f, K\n", own__a__b="")
    (tmp_path / "own/a/__init__.py").write_text("NAME = 1\ndef f(): ...\nclass K: ...\n")
    assert reached(tmp_path) == ["own/__init__.py", "own/a/__init__.py"]


def test_a_main_module_may_not_import_relatively(tmp_path: Path) -> None:
    a_package(tmp_path, own__main="from . import a\n", own__a="")
    with pytest.raises(UnresolvedImportError, match="stands alone at the bundle's root"):
        reached(tmp_path, "own/main.py")


def test_a_file_that_is_not_python_is_named(tmp_path: Path) -> None:
    a_package(tmp_path, main="import own.a\n", own__a="x = 1\ndef :\n")
    with pytest.raises(UnparsableFileError, match=r"own/a\.py:2 is not valid Python"):
        reached(tmp_path)
