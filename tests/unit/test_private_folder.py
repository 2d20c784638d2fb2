"""The data folder is its owner's alone, and nobody else's folder is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.run import Refused, take_folder
from shared import wiring
from shared.private_folder import OURS, private_folder
from shared.settings import BadSettings, from_environment


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_a_new_one_is_made_private(tmp_path: Path) -> None:
    assert private_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700


@pytest.mark.parametrize("name", [*OURS, ""])
def test_one_of_ours_that_stands_open_is_closed(tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o755)
    if name:
        (tmp_path / name).touch()
    assert private_folder(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_folder_of_other_things_is_left_alone_and_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    tmp_path.chmod(0o755)
    assert not private_folder(tmp_path)
    with pytest.raises(Refused, match="chmod 700"):
        take_folder(tmp_path)
    assert mode(tmp_path) == 0o755
    assert not (tmp_path / "run.lock").exists()
    tmp_path.chmod(0o700)
    take_folder(tmp_path).close()


def test_a_folder_that_everybody_writes_to_is_never_closed(tmp_path: Path) -> None:
    (tmp_path / "run.lock").touch()
    tmp_path.chmod(0o1777)  # as /tmp
    assert not private_folder(tmp_path)
    assert mode(tmp_path) == 0o1777


def test_every_process_sees_to_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    wiring.build(from_environment({"ONESTOP_DATA": str(data)}))
    assert mode(data) == 0o700
    data.chmod(0o755)
    wiring.build(from_environment({"ONESTOP_DATA": str(data)}))
    assert mode(data) == 0o700


def test_the_mailbox_setting_is_one_of_two(tmp_path: Path) -> None:
    environment = {"ONESTOP_DATA": str(tmp_path / "data")}
    assert not from_environment(environment).mailbox_open
    assert from_environment(environment | {"ONESTOP_MAILBOX": "open"}).mailbox_open
    with pytest.raises(BadSettings, match="ONESTOP_MAILBOX"):
        from_environment(environment | {"ONESTOP_MAILBOX": "yes"})
