"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from infra.local import emulators as official
from shared.adapters.cloud import calls
from tests.declared import undeclared

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
PATIENCE = 60.0  # seconds
ON_EMULATORS = "emulators"
ALONE = Path(__file__).with_name("system"), Path(__file__).with_name("browser")


# --- which test runs where -----------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)  # before ``-m`` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """``make test`` runs first what needs a processor alone, and afterwards what starts a whole onestop."""
    for item in items:
        emulated = item.get_closest_marker("emulators")
        if emulated and ON_EMULATORS not in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid}: the id of a test on the emulators must say {ON_EMULATORS}")
        if emulated or any(item.path.is_relative_to(folder) for folder in ALONE):
            item.add_marker(pytest.mark.processes)


class ByEngine(LoadScopeScheduling):
    """Tests on the emulators follow one another on one worker, which starts them once and leaves each test the whole of
    them; of the rest each file goes to one worker. All that the scheduler is told of a test is its id."""

    def _split_scope(self, nodeid: str) -> str:
        return ON_EMULATORS if ON_EMULATORS in nodeid else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByEngine | None:
    return ByEngine(config, log) if config.getoption("dist") == "loadscope" else None


# --- what this machine lacks ---------------------------------------------------------------------------------


def nothing_skipped(report: Report) -> Report:
    """With ``ONESTOP_REQUIRE_ALL=1``, as in ``.ci/run``, what was not tried (skipped, expected to fail) has failed."""
    if report.skipped and os.environ.get("ONESTOP_REQUIRE_ALL") == "1":
        report.longrepr = f"ONESTOP_REQUIRE_ALL=1, but this was not tried: {reason_of(report)}"
        report.outcome = "failed"
    return report


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return getattr(report, "wasxfail", "") or "expected to fail"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return nothing_skipped((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return nothing_skipped((yield))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Each reason once, however many tests have it."""
    for reason, count in Counter(map(reason_of, terminalreporter.stats.get("skipped", []))).items():
        terminalreporter.write_line(f"{count} skipped: {reason}")


# --- for every test ------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _the_api_answers_what_it_declares() -> Iterator[None]:
    """Whatever a test asks of a site in this process."""
    undeclared.clear()
    yield
    assert not undeclared, "\n".join(undeclared)


@pytest.fixture(scope="session")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[official.Emulators]:
    """The emulators of Firestore and Pub/Sub, one pair for all tests; each test takes a project of its own.

    Those that the environment names already are used as they are. In this process calls wait for them as long as it
    takes: an emulator beside other tests may be slow, which is no fault.
    """
    try:
        with official.given_or_running(tmp_path_factory.mktemp("emulators") / "log") as pair:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in pair.environment("onestop-tests").items():
                    patch.setenv(name, value)
                patch.setattr(calls, "ANSWER_SECONDS", PATIENCE)
                yield pair
    except official.NotFound as error:
        pytest.skip(str(error))
