"""What is deleted of a cloud folder, and what never is."""

from pathlib import Path

from cli import cloud_folder
from local.home import CloudHome


def test_every_file_of_the_cloud_folder_is_known_to_forget(tmp_path: Path) -> None:
    home = CloudHome(tmp_path / "home")
    home.ensure()
    for path in (one for one in vars(home).values() if isinstance(one, Path)):
        if not path.exists():
            path.write_text("{}")
    assert cloud_folder.forget(home.root) == []
    assert not home.root.exists()


def test_a_folder_behind_a_link_is_not_emptied(tmp_path: Path) -> None:
    home = CloudHome(tmp_path / "home")
    home.ensure()
    elsewhere = tmp_path / "disk"
    elsewhere.mkdir()
    (elsewhere / "blob").write_text("")
    home.blobs.rmdir()
    home.blobs.symlink_to(elsewhere)
    assert cloud_folder.forget(home.root) == []
    assert (elsewhere / "blob").exists()
