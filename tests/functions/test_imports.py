"""``make import``: all faults of all files at once, and nothing of them stored; or everything, whatever comes first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORGANISATIONS = """
[[organisations]]
id = "paho"
name = "Pan American Health Organization"
short_name = "PAHO"
timezone = "America/New_York"
focal_point = "ann@paho.example"
queues = [{ id = "general", name = "General" }]
working_hours = { monday = [{ from = "09:00", to = "17:00" }] }

[[staff]]
email = "ann@paho.example"
name = "Ann"
organisation = "paho"
role = "focal_point"
languages = ["en"]
queues = ["general"]
"""
EVENTS = """
[[events]]
id = "forum"
title = "Forum"
summary = "A forum."
organiser = "PAHO"
organisations = ["paho"]
contact_email = "forum@paho.example"
mode = "virtual"
location = "Online"
timezone = "Europe/Zurich"
starts_at = "+5d 09:00"
ends_at = "+5d 10:00"
categories = [{ id = "all", name = "All" }]
"""


def imported(folder: Path, **texts: str) -> subprocess.CompletedProcess[str]:
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text)
    return run(folder, *texts)


def run(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    files = [str(folder / f"{name}.toml") for name in names]
    command = [sys.executable, "-m", "infra.local.content", "import", *files]
    environment = {**os.environ, "DATA": str(folder / "data")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_every_fault_of_every_file_is_named_and_nothing_is_stored(tmp_path: Path) -> None:
    bad = EVENTS.replace('"+5d 09:00"', '"tomorrow"').replace('"virtual"', '"by post"').replace('title = "Forum"', "")
    two = bad + EVENTS.replace('"forum"', '"other"').replace('["paho"]', '["pahoo"]')
    told = imported(tmp_path, good=ORGANISATIONS, events=two, weather="[[weather]]", broken="[[events")
    assert told.returncode == 1
    for file, key in (
        ("events.toml: event 1 (forum)", "starts_at: 'tomorrow'"),
        ("events.toml: event 1 (forum)", "mode: "),
        ("events.toml: event 1 (forum)", "title: "),
        ("events.toml: event 2 (other)", "organisations: there is no organisation 'pahoo'"),
        ("weather.toml", "weather"),
        ("broken.toml", "not TOML"),
    ):
        assert [line for line in told.stderr.splitlines() if file in line and key in line], (file, key, told.stderr)
    assert "6 faults; nothing was imported." in told.stderr
    assert "there is no organisation 'paho'" in imported(tmp_path, seeds=OTHER, events=EVENTS).stderr


OTHER = ORGANISATIONS.replace("paho", "afro")
TOPICS = """
[[topics]]
id = "water"
name = { en = "Water" }
organisations = ["paho", "nobody"]
"""


def test_faults_between_entries_are_told_beside_those_within_them(tmp_path: Path) -> None:
    """An entry that is wrong in itself is there all the same: who names it is not wrong."""
    unnamed = ORGANISATIONS.replace('short_name = "PAHO"', "").replace('name = "Ann"', "")
    events = EVENTS + EVENTS.replace('"forum"', '"other"').replace('["paho"]', '["paho", "nowhere"]')
    told = imported(tmp_path, organisations=unnamed, topics=TOPICS, events=events).stderr.splitlines()
    expected = [
        "organisations[1] (paho): short_name: is missing",
        "staff[1] (ann@paho.example): name: is missing",
        "topics (water): organisations: there is no 'nobody'",
        "event 2 (other): organisations: there is no organisation 'nowhere'",
        "4 faults; nothing was imported.",
    ]
    assert [text in line for text, line in zip(expected, told, strict=True)] == [True] * 5, told


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (ORGANISATIONS.replace("name =", "name", 1), "not TOML"),
        (ORGANISATIONS.replace('id = "paho"', 'id = "paho'), "not TOML"),
        (ORGANISATIONS + "[[weather]]", "has the tables"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_nobody_can_read_brings_no_false_faults(tmp_path: Path, spoilt: str | None, told: str) -> None:
    seeds = imported(tmp_path, seeds=OTHER)
    assert seeds.returncode == 0, seeds.stderr
    (tmp_path / "organisations.toml").write_text(spoilt or "")
    if spoilt is None:
        (tmp_path / "organisations.toml").unlink()
    (tmp_path / "all.toml").write_text(TOPICS.replace(', "nobody"', ""))
    (tmp_path / "events.toml").write_text(EVENTS)
    said = run(tmp_path, "organisations", "all", "events").stderr.splitlines()
    assert [told in said[0], said[1:]] == [True, ["Nothing was imported."]], said


def test_files_that_belong_together_come_together(tmp_path: Path) -> None:
    """The negative control: what stands in for the same files without faults."""
    told = imported(tmp_path, events=EVENTS, organisations=ORGANISATIONS)
    assert (told.returncode, told.stderr) == (0, "")
    assert "1 events read, 1 added or changed" in told.stdout


@pytest.mark.parametrize(("target", "example"), [("route", "INQUIRY=inquiry.json"), ("person", "ADDRESS=jane@")])
def test_a_target_says_which_variables_it_wants(target: str, example: str) -> None:
    told = subprocess.run(["make", "-s", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert f"make {target} {example}" in told.stderr.splitlines()[0]
    assert "Installing" not in told.stdout


def test_asking_about_a_person_installs_no_test_tools() -> None:
    command = ["make", "--always-make", "--dry-run", "person", "ADDRESS=jane@example.org"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "-m infra.person jane@example.org" in told
    assert "infra/local/requirements.txt" in told
    assert "tests/requirements.txt" not in told
