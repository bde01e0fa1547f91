"""The publish and rollback commands: what a repository's readers see, all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast
from urllib.parse import quote

import typer

from cli.console import Terminal
from cli.failures import Failure
from cli.platform_api import Document, PlatformApi
from cli.platform_command import Caller, for_tenant_or_operator
from cli.repository_folder import RepositoryFolder
from cli.repository_uploads import RepositoryUploads
from cli.upload import Advance, progress
from functions.core import publication_lists
from functions.core.publication_lists import ListedFile

_ROUNDS = 3
"""How often a page is offered again whose files were all sent: URLs may have ended meanwhile."""

Directory = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="The repository: the folder that has dists/ and pool/ in it.",
        exists=True,
        file_okay=False,
    ),
]
RepositoryId = Annotated[
    str, typer.Option("--repository", "-r", metavar="ID", help="The repository's id.")
]
Threads = Annotated[
    int, typer.Option("--threads", min=1, max=64, help="How many files at a time are sent.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be sent and what would change; no more.")
]
To = Annotated[
    int | None,
    typer.Option("--to", min=1, metavar="N", help="The generation; by default the one before."),
]


@for_tenant_or_operator
def publish(
    caller: Caller,
    directory: Directory,
    repository: RepositoryId,
    threads: Threads = 8,
    *,
    dry_run: DryRun = False,
) -> None:
    """Publish a folder as what the readers of a repository see, all at once or not at all.

    Files that never change (packages, pool/, by-hash/) are sent first and only where they are
    missing; then the index files, into a generation of their own, which one step makes visible. A
    repository that shares its hostname with others is published together with them: the folder
    holds all of their dists/. Running it again after it broke off goes on where it stopped.

    Exit codes: 0 published, 1 failed, 2 wrong usage.
    """
    folder = RepositoryFolder(directory)
    api = caller.either()
    terminal = caller.terminal
    with progress(terminal, "reading", folder.size) as advance:
        files = folder.listed(threads, advance)
    path = repository_path(repository)
    if dry_run:
        _report_comparison(terminal, _compared(api, path, files))
        return
    uploads = RepositoryUploads(threads)
    try:
        publication = _Publish(terminal, api, path, folder, uploads).run(files)
    finally:
        uploads.close()
    terminal.document(
        {
            "publication": publication,
            "sent_files": uploads.sent,
            "sent_bytes": uploads.sent_bytes,
        }
    )
    terminal.result(
        f"Generation {publication['generation']} is what readers see: {len(files)} files, of which "
        f"{uploads.sent} were sent ({uploads.sent_bytes / 1e6:.1f} MB)."
    )


@for_tenant_or_operator
def rollback(caller: Caller, repository: RepositoryId, to: To = None) -> None:
    """Show readers an earlier generation again. Repeating it with --to is fine.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    api = caller.either()
    path = repository_path(repository)
    target = to if to is not None else _before(api, path)
    answer = api.post(f"{path}/rollback", {"generation": target})
    caller.terminal.document(answer)
    caller.terminal.result(f"Generation {target} is what readers see.")


def repository_path(repository_id: str) -> str:
    return f"/v1/repositories/{quote(repository_id, safe='')}"


def _before(api: PlatformApi, path: str) -> int:
    """The generation that readers saw before the current one, as far as it is kept."""
    answer = api.get(f"{path}/publications")
    current = cast("int | None", answer["generation"])
    listed = cast("list[Document]", answer["publications"])
    published = [cast("int", one["generation"]) for one in listed if one["state"] == "published"]
    earlier = [one for one in published if current is not None and one < current]
    if not earlier:
        raise Failure(
            "There is no earlier generation that is still kept. `stowage repositories show` lists "
            "them; --to names one."
        )
    return max(earlier)


@dataclass(frozen=True, slots=True)
class _Publish:
    terminal: Terminal
    api: PlatformApi
    path: str
    folder: RepositoryFolder
    uploads: RepositoryUploads

    def run(self, files: Sequence[ListedFile]) -> Document:
        """The publication once readers see it."""
        size = sum(file.size for file in files)
        begun = self.api.post(
            f"{self.path}/publications",
            {
                "files_sha256": publication_lists.digest(files),
                "file_count": len(files),
                "bytes": size,
            },
        )
        publication = cast("Document", begun["publication"])
        if publication["state"] == "published":
            self.terminal.say("Readers see exactly these files already.")
            return publication
        self.terminal.say(f"Generation {publication['generation']}, {len(files)} files.")
        path = f"{self.path}/publications/{publication['id']}"
        with progress(self.terminal, "sending", size) as advance:
            for number, page in enumerate(publication_lists.pages(files)):
                self._send_page(path, number, page, advance)
        expected = {"expected_generation": publication["base_generation"]}
        return cast("Document", self.api.post(f"{path}/publish", expected)["publication"])

    def _send_page(
        self, path: str, number: int, page: Sequence[ListedFile], advance: Advance
    ) -> None:
        body: Document = {"page": number, "files": [_body(file) for file in page]}
        missing = self._missing(path, body)
        named = {put["path"] for put in missing}
        advance(sum(file.size for file in page if file.path not in named))
        for _ in range(_ROUNDS):
            if not missing:
                return
            self.uploads.send(missing, self.folder.paths, advance)
            missing = self._missing(path, body)
        raise Failure(
            f"{missing[0]['path']} was sent, and does not lie there. Run the same command again; "
            "readers see nothing of it."
        )

    def _missing(self, path: str, body: Document) -> list[Document]:
        return cast("list[Document]", self.api.post(f"{path}/files", body)["missing"])


def _compared(api: PlatformApi, path: str, files: Sequence[ListedFile]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"missing": [], "changed": [], "differing": []}
    for page in publication_lists.pages(files):
        answer = api.post(f"{path}/comparison", {"files": [_body(file) for file in page]})
        for name, paths in found.items():
            paths += cast("list[str]", answer[name])
    return found


def _report_comparison(terminal: Terminal, found: dict[str, list[str]]) -> None:
    terminal.document(found)
    words = {"missing": "to be sent", "changed": "changed", "differing": "NOT THE SAME"}
    for name, paths in found.items():
        for path in paths:
            terminal.result(f"{words[name]}: {path}")
    if found["differing"]:
        raise Failure(
            f"{len(found['differing'])} files lie there with other bytes, and what was published "
            "under a name is never replaced: give each a new name."
        )
    if not any(found.values()):
        terminal.result("Readers see these files already.")


def _body(file: ListedFile) -> Document:
    return {"path": file.path, "size": file.size, "sha256": file.sha256}
