"""The runner: starts everything, keeps it running, ends it, and says in one line why it cannot."""

from __future__ import annotations

import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from shared import topology
from shared.adapters.embedded.store import SqliteStore
from shared.ports import Create
from tests.system.harness import NotStarted, Onestop, members, wait_for

pytestmark = pytest.mark.system
NewOnestop = Callable[..., Onestop]


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def helper(onestop: Onestop) -> str:
    """What stands in for the cloud's services on this engine."""
    [name] = {"pusher", "ticker"} & set(onestop.children())
    return name


def test_everything_runs_from_one_origin(onestop: Onestop) -> None:
    targets = {target.id for target in topology.load().targets}

    assert set(onestop.children()) == targets | {"gateway", helper(onestop)}
    assert get(f"{onestop.url}/")[0] == 200
    for path in ("/api/events", "/activities", "/desk", "/desk/events", "/desk/mail", "/mailbox"):
        assert get(onestop.url + path)[0] < 500


@pytest.mark.parametrize("name", ["registration-web", "gateway"])
def test_a_visitor_does_not_notice_that_a_killed_process_is_restarted(onestop: Onestop, name: str) -> None:
    killed = onestop.children()[name]

    onestop.kill(name)

    assert get(f"{onestop.url}/")[0] == 200
    wait_for(lambda: onestop.children()[name] != killed, f"a new {name}")
    assert f"{name} had stopped" in onestop.output()


def test_what_makes_time_pass_is_restarted_too(onestop: Onestop) -> None:
    name = helper(onestop)
    killed = onestop.children()[name]

    onestop.kill(name)

    wait_for(lambda: onestop.children()[name] != killed, f"a new {name}")


def test_a_killed_server_takes_its_workers_along(onestop: Onestop) -> None:
    master = onestop.children()["registration-web"]

    os.kill(master, signal.SIGKILL)

    wait_for(lambda: onestop.children()["registration-web"] != master, "a new server")
    assert members({master}) == set()
    assert get(f"{onestop.url}/")[0] == 200


def stopped(running: Onestop, by: signal.Signals) -> int:
    """The runner's exit status, once nobody is left."""
    groups = set(running.children().values())
    assert len(members(groups)) > len(groups)  # servers and their workers
    status = running.stop(by)
    wait_for(lambda: not members(groups), "the end of all children")
    return status


@pytest.mark.parametrize(("first", "then"), [(signal.SIGINT, signal.SIGTERM), (signal.SIGKILL, signal.SIGINT)])
def test_nobody_outlives_the_runner_and_its_data_survive(
    new_onestop: NewOnestop, first: signal.Signals, then: signal.Signals
) -> None:
    running = new_onestop()
    running.start()
    events = get(f"{running.url}/api/events")[1].replace(running.url.encode(), b"")
    SqliteStore(running.data / "store.db", topology.load().store).commit([Create("notes", "one", {"kept": True})])
    assert stopped(running, first) == (-first if first == signal.SIGKILL else 0)

    running.start()

    assert get(f"{running.url}/api/events")[1].replace(running.url.encode(), b"") == events
    assert SqliteStore(running.data / "store.db", topology.load().store).get("notes", "one")
    assert stopped(running, then) == 0


# --- refusals ------------------------------------------------------------------------------------------------


def refusal(onestop: Onestop) -> str:
    """The one line that the runner prints instead of starting."""
    with pytest.raises(NotStarted) as caught:
        onestop.start()
    [line] = str(caught.value).splitlines()
    return line


def test_a_port_in_use_is_one_clear_line(new_onestop: NewOnestop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        line = refusal(new_onestop(PORT=str(port)))

    assert f"port {port} cannot be used" in line
    assert "make run PORT=" in line


def test_a_folder_that_cannot_be_written_is_one_clear_line(new_onestop: NewOnestop, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    line = refusal(new_onestop(DATA=str(tmp_path / "file" / "data")))

    assert "cannot be written" in line
    assert "make run DATA=" in line


def test_a_data_folder_serves_one_runner(onestop: Onestop, new_onestop: NewOnestop) -> None:
    assert "already runs" in refusal(new_onestop(DATA=str(onestop.data)))


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "eighty"), ("PORT", "65536"), ("ENGINE", "steam"), ("ONESTOP_SMTP_RELAYS", "relay")]
)
def test_a_bad_setting_is_one_clear_line(new_onestop: NewOnestop, name: str, value: str) -> None:
    assert refusal(new_onestop(**{name: value})).startswith(f"onestop: {name} ")
