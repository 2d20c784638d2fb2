"""Fixtures of the system tests. Starting everything takes seconds, so that one onestop serves many tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.harness import Onestop


@pytest.fixture(scope="session", params=["embedded", pytest.param("emulators", marks=pytest.mark.emulators)])
def engine(request: pytest.FixtureRequest) -> dict[str, str]:
    """The runner's variables for one of the engines; every system test that starts nothing of its own runs on both."""
    if request.param == "emulators":
        request.getfixturevalue("emulators")
    return {"ENGINE": request.param}


@pytest.fixture(scope="session")
def onestop(engine: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Onestop]:
    """One that runs for the whole session: use own addresses and events, and leave the clock alone."""
    with Onestop(tmp_path_factory.mktemp("onestop"), **engine) as running:
        yield running


@pytest.fixture
def new_onestop(tmp_path: Path) -> Iterator[Callable[..., Onestop]]:
    """Makes one for this test alone, not yet started; it is stopped afterwards. ``**engine`` chooses the engine."""
    with ExitStack() as stack:

        def make(**environment: str) -> Onestop:
            made = Onestop(tmp_path / "data", **environment)
            stack.callback(made.stop)
            return made

        yield make
