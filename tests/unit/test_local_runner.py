"""Parts of the runner that need no running onestop."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from infra.local import content, run
from infra.local.processes import Child, Family
from infra.local.run import Refused
from shared import topology


def child(tmp_path: Path, *command: str) -> Child:
    log = tmp_path / "child.log"
    log.touch()
    return Child("child", command, dict(os.environ), log)


@pytest.mark.parametrize(("port", "data"), [("", ""), ("8080", ".onestop")])
def test_settings_have_defaults(port: str, data: str) -> None:
    plan = run.read_plan({"PORT": port, "DATA": data})

    assert (plan.port, plan.data, plan.engine) == (8080, Path.cwd() / ".onestop", "embedded")


def test_invalid_content_is_refused_in_the_importer_s_words(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "events.toml: events[2].starts_at: write a date"
    failed = subprocess.CompletedProcess([], 1, "", f"{words}\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)

    with pytest.raises(Refused) as caught:
        run.import_content({})

    assert str(caught.value) == words


def test_an_importer_that_breaks_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess(
        [], 1, "", "Traceback (most recent call last):\n  File ...\nOSError: disk full\n"
    )
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)

    with pytest.raises(Refused) as caught:
        run.import_content({})

    assert str(caught.value) == "OSError: disk full"


def test_a_child_is_handed_a_listening_socket_as_from_systemd(tmp_path: Path) -> None:
    (tmp_path / "inherits.py").write_text(
        "import os, socket\n"
        "from gunicorn.systemd import listen_fds\n"
        "print(listen_fds(), socket.socket(fileno=3).getsockname()[1])\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        environment = {**os.environ, "LISTEN_FD": str(listener.fileno()), "PYTHONPATH": f"{tmp_path}:{run.ROOT}"}
        command = [sys.executable, "-m", "infra.local.child", str(os.getpid()), "0", "inherits"]
        done = subprocess.run(
            command, env=environment, pass_fds=[listener.fileno()], capture_output=True, text=True, check=True
        )
        assert done.stdout == f"1 {listener.getsockname()[1]}\n"


def test_a_child_that_cannot_start_ends_the_start_with_its_last_words(tmp_path: Path) -> None:
    family = Family(lambda text: None)
    family.start(child(tmp_path, "nowhere"))

    with pytest.raises(Refused, match=r"child does not start: .*nowhere.*child\.log"):
        run.wait_until_ready(family, {"child": 1})

    family.stop()


def test_a_child_that_keeps_dying_is_restarted_ever_more_slowly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, starts = [1000.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    dying = child(tmp_path, "unused")

    def start() -> None:
        starts.append(now[0])
        dying._started = now[0]

    monkeypatch.setattr(dying, "start", start)
    start()
    while now[0] < 1030:
        dying.restart_when_due()
        now[0] += 0.01

    pauses = [round(after - before, 1) for before, after in pairwise(starts)]
    assert pauses[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]


def test_errors_in_a_child_s_log_are_told_once_and_in_one_line(tmp_path: Path) -> None:
    watched = child(tmp_path, "unused")
    error = {"severity": "ERROR", "message": "event failed", "exception": "Traceback ...\nKeyError: 'x'"}
    lines = [{"severity": "INFO", "message": "started"}, error]
    watched.log.write_text("".join(json.dumps(line) + "\n" for line in lines) + "plain words\n" + '{"severity": "ERR')

    assert watched.complaints() == ["event failed (KeyError: 'x')"]
    assert watched.complaints() == []


def test_every_target_has_a_server_shape() -> None:
    system = topology.load()

    assert {target.name for target in system.targets} == set(system.local_servers)


# --- content -------------------------------------------------------------------------------------------------


def test_every_sample_file_goes_to_one_slice() -> None:
    kinds = [kind for module in content.importers() for kind in module.KINDS]

    assert len(kinds) == len(set(kinds))
    files = {path.name: path for path in (Path(run.ROOT) / "shared" / "content").glob("*.toml")}
    del files["countries.toml"]  # is read from where it lies
    for path in files.values():
        assert content.importer_of(path)


@pytest.mark.parametrize(
    ("text", "fault"), [("weather = []", "weather"), ("", "tables"), ("not toml", "not TOML"), (None, "cannot be read")]
)
def test_a_file_of_no_slice_is_refused_with_its_name(tmp_path: Path, text: str | None, fault: str) -> None:
    path = tmp_path / "x.toml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(content.BadFile, match=f"x.toml: .*{fault}"):
        content.importer_of(path)
