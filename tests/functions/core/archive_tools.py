"""Programs that make and read ZIP archives: Python always, others where they are installed."""

import io
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.functions.core.front_reader import read_from_the_front

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

TREE: Mapping[str, bytes] = {
    "manifest.json": b'{"id": "org.example.app"}',
    "bin/run": b"\x7fELF" + bytes(range(256)) * 40,
    "data/deep/er/text.txt": b"a line of text\n" * 500,
    "data/empty": b"",
}
EMPTY_FOLDER = "empty folder"
ROOTS = sorted({name.partition("/")[0] for name in TREE} | {EMPTY_FOLDER})

SEVEN = next((name for name in ("7zz", "7z", "7za") if shutil.which(name)), "7zz")

Maker = Callable[[Path], bytes]
"""Makes an archive of what lies in a folder."""
Reader = Callable[[bytes], dict[str, bytes]]
"""The files of an archive."""


def lay_out(folder: Path) -> None:
    for name, content in TREE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / EMPTY_FOLDER).mkdir()
    (folder / "bin/run").chmod(0o755)


class _Unseekable(io.RawIOBase):
    """Makes zipfile write data descriptors."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        chunk = bytes(memoryview(data))
        self.content += chunk
        return len(chunk)


def by_python(method: int, *, is_streamed: bool = False, force_zip64: bool = False) -> Maker:
    def make(folder: Path) -> bytes:
        buffer, stream = io.BytesIO(), _Unseekable()
        with zipfile.ZipFile(stream if is_streamed else buffer, "w", method) as archive:
            for path in sorted(folder.rglob("*")):
                info = zipfile.ZipInfo.from_file(path, path.relative_to(folder).as_posix())
                info.compress_type = method
                content = b"" if path.is_dir() else path.read_bytes()
                if force_zip64 and not path.is_dir():
                    with archive.open(info, "w", force_zip64=True) as file:
                        file.write(content)
                else:
                    archive.writestr(info, content)
        return stream.content if is_streamed else buffer.getvalue()

    return make


def _run(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    # Without a standard input, nothing can ask and wait for an answer.
    return subprocess.run(
        arguments,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


def by_program(*command: str, is_streamed: bool = False) -> Maker:
    """`{}` in the command is the archive; a streamed one comes by a pipe."""

    def make(folder: Path) -> bytes:
        with tempfile.TemporaryDirectory() as made:
            archive = Path(made) / "made.zip"
            arguments = [part.replace("{}", str(archive)) for part in command]
            done = _run(arguments, folder)
            done.check_returncode()
            return done.stdout if is_streamed else archive.read_bytes()

    return make


def _installed(makers: Mapping[str, Maker], program: str) -> Mapping[str, Maker]:
    return makers if shutil.which(program) else {}


MAKERS: Mapping[str, Maker] = {
    "Python, stored": by_python(zipfile.ZIP_STORED),
    "Python, compressed": by_python(zipfile.ZIP_DEFLATED),
    "Python, stored, streamed": by_python(zipfile.ZIP_STORED, is_streamed=True),
    "Python, compressed, streamed": by_python(zipfile.ZIP_DEFLATED, is_streamed=True),
    "Python, ZIP64": by_python(zipfile.ZIP_DEFLATED, force_zip64=True),
    "Python, ZIP64, streamed": by_python(zipfile.ZIP_DEFLATED, is_streamed=True, force_zip64=True),
    **_installed(
        {
            "zip": by_program("zip", "-r", "{}", "."),
            "zip, best": by_program("zip", "-9", "-r", "{}", "."),
            "zip, stored": by_program("zip", "-0", "-r", "{}", "."),
            "zip, ZIP64": by_program("zip", "-fz", "-r", "{}", "."),
            "zip, without extra fields": by_program("zip", "-X", "-r", "{}", "."),
            "zip, streamed": by_program("zip", "-r", "-", ".", is_streamed=True),
            "zip, stored, streamed": by_program("zip", "-0", "-r", "-", ".", is_streamed=True),
        },
        "zip",
    ),
    **_installed(
        {
            "jar": by_program("jar", "cf", "{}", "."),
            "jar, stored": by_program("jar", "c0f", "{}", "."),
            "jar, streamed": by_program("jar", "c", ".", is_streamed=True),
            "jar, without manifest": by_program("jar", "cfM", "{}", "."),
        },
        "jar",
    ),
    **_installed(
        {
            "7z": by_program(SEVEN, "a", "-tzip", "{}", "."),
            "7z, stored": by_program(SEVEN, "a", "-tzip", "-mx=0", "{}", "."),
            "7z, streamed": by_program(SEVEN, "a", "-tzip", "-so", "x", ".", is_streamed=True),
        },
        SEVEN,
    ),
    **_installed({"bsdtar": by_program("bsdtar", "-a", "-cf", "{}", *ROOTS)}, "bsdtar"),
}


def read_by_python(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {info.filename: opened.read(info) for info in opened.infolist() if not info.is_dir()}


def read_by_program(*command: str) -> Reader:
    """`{}` in the command is the archive; it unpacks into the folder where it runs."""

    def read(archive: bytes) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as name:
            packed, folder = Path(name) / "packed.zip", Path(name) / "unpacked"
            folder.mkdir()
            packed.write_bytes(archive)
            arguments = [part.replace("{}", str(packed)) for part in command]
            _run(arguments, folder)
            return {
                path.relative_to(folder).as_posix(): path.read_bytes()
                for path in folder.rglob("*")
                if path.is_file()
            }

    return read


READERS: Mapping[str, Reader] = {
    "Python": read_by_python,
    "from the front": read_from_the_front,
} | {
    name: read_by_program(*command)
    for name, command in (
        ("unzip", ("unzip", "-q", "-o", "{}")),
        (SEVEN, (SEVEN, "x", "-y", "{}")),
        ("bsdtar", ("bsdtar", "-xf", "{}")),
    )
    if shutil.which(name)
}
