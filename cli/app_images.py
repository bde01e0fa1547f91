"""The apps commands: an app's icon and screenshots, as its developer changes them."""

from pathlib import Path
from typing import Annotated, cast
from urllib.parse import quote

import typer

from cli import options
from cli.failures import Failure, UsageFailure
from cli.platform_api import Document
from cli.platform_command import Caller, for_developers
from functions.core.images.picture import PictureError
from functions.core.images.requirements import ICON, SCREENSHOT, Requirements, check

app = typer.Typer(no_args_is_help=True, help="Change an app's icon and screenshots.")
screenshots = typer.Typer(
    no_args_is_help=True, help="Add, list, remove and order an app's screenshots."
)
app.add_typer(screenshots, name="screenshots")


@app.command()
@for_developers
def icon(
    caller: Caller,
    app_id: options.AppId,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="A square PNG of 128 to 1024 pixels.", dir_okay=False
        ),
    ] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the icon.")] = False,
) -> None:
    """Set the app's icon, or remove it; without FILE, show where it is. Repeating it is fine.

    Exit codes: 0 done, 1 the picture was refused or something did not answer, 2 wrong usage.
    """
    if remove and file is not None:
        raise UsageFailure("Give a FILE to set the icon, or --remove to remove it, not both.")
    api = caller.developer()
    path = f"{_app(app_id)}/icon"
    if remove:
        caller.terminal.document(api.delete(path))
        caller.terminal.result(f"App {app_id} has no icon.")
        return
    if file is None:
        answer = api.get(path)
    else:
        data, media_type = _picture(file, ICON)
        answer = api.send("PUT", path, data, media_type)
    caller.terminal.document(answer)
    sizes = cast("list[Document]", cast("Document", answer["icon"])["sizes"])
    caller.terminal.table(
        ["pixels", "url"], [[str(one["pixels"]), str(one["url"])] for one in sizes]
    )


@screenshots.command()
@for_developers
def add(
    caller: Caller,
    app_id: options.AppId,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="PNG, JPEG or WebP pictures, each side 320 to 3840 pixels.",
            dir_okay=False,
        ),
    ],
) -> None:
    """Add screenshots at the end of the list. One that is in it already stays where it is.

    Exit codes: 0 added, 1 a picture was refused or something did not answer, 2 wrong usage.
    """
    api = caller.developer()
    # All of them before the first is sent, so that a bad one leaves nothing half done.
    pictures = [_picture(file, SCREENSHOT) for file in files]
    added = [
        cast(
            "Document",
            api.send("POST", f"{_app(app_id)}/screenshots", data, media_type)["screenshot"],
        )
        for data, media_type in pictures
    ]
    caller.terminal.document({"screenshots": added})
    _show(caller, added)


@screenshots.command(name="list")
@for_developers
def list_screenshots(caller: Caller, app_id: options.AppId) -> None:
    """List the screenshots in their order.

    Exit codes: 0 listed, 1 failed, 2 wrong usage.
    """
    answer = caller.developer().get(f"{_app(app_id)}/screenshots")
    caller.terminal.document(answer)
    _show(caller, cast("list[Document]", answer["screenshots"]))


@screenshots.command()
@for_developers
def remove(
    caller: Caller,
    app_id: options.AppId,
    numbers: Annotated[
        list[int], typer.Argument(metavar="NUMBER...", help="As `screenshots list` shows them.")
    ],
) -> None:
    """Remove screenshots, for good. Repeating it is fine.

    Exit codes: 0 removed, 1 failed, 2 wrong usage.
    """
    api = caller.developer()
    for number in numbers:
        api.delete(f"{_app(app_id)}/screenshots/{number}")
        caller.terminal.result(f"Screenshot {number} is removed.")
    caller.terminal.document({"removed": numbers})


@screenshots.command()
@for_developers
def order(
    caller: Caller,
    app_id: options.AppId,
    numbers: Annotated[
        list[int], typer.Argument(metavar="NUMBER...", help="All of them, in the new order.")
    ],
) -> None:
    """Put the screenshots into another order.

    Exit codes: 0 ordered, 1 failed, 2 wrong usage.
    """
    api = caller.developer()
    answer = api.put(f"{_app(app_id)}/screenshots/order", {"numbers": numbers})
    caller.terminal.document(answer)
    _show(caller, cast("list[Document]", answer["screenshots"]))


def _app(app_id: str) -> str:
    return f"/v1/apps/{quote(app_id, safe='')}"


def _picture(file: Path, wanted: Requirements) -> tuple[bytes, str]:
    """The file's bytes and media type, found good by the rules that the platform goes by."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageFailure(f"{file} cannot be read: {error.strerror}.") from error
    try:
        picture = check(data, wanted)
    except PictureError as refusal:
        reasons = " ".join(problem.detail for problem in refusal.problems)
        raise Failure(f"{file.name} cannot be taken. {reasons}") from refusal
    return data, f"image/{picture.format.lower()}"


def _show(caller: Caller, listed: list[Document]) -> None:
    caller.terminal.table(
        ["number", "size", "url"],
        [
            [str(one["number"]), f"{one['width']} x {one['height']}", str(one["url"])]
            for one in listed
        ],
    )
