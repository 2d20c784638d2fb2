"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import emulators as official
from tests.declared import undeclared

ALONE = Path(__file__).with_name("system"), Path(__file__).with_name("browser")


@pytest.hookimpl(tryfirst=True)  # before ``-m`` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """``make test`` runs on all processors what needs one, and afterwards, one by one, what starts a whole onestop."""
    for item in items:
        if item.get_closest_marker("emulators") or any(item.path.is_relative_to(folder) for folder in ALONE):
            item.add_marker(pytest.mark.processes)


@pytest.fixture(autouse=True)
def _the_api_answers_what_it_declares() -> Iterator[None]:
    """Whatever a test asks of a site in this process."""
    undeclared.clear()
    yield
    assert not undeclared, "\n".join(undeclared)


@pytest.fixture(scope="session")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[official.Emulators]:
    """The emulators of Firestore and Pub/Sub, one pair for all tests; each test takes a project of its own.

    Those that the environment names already are used as they are.
    """
    try:
        with official.given_or_running(tmp_path_factory.mktemp("emulators") / "log") as pair:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in pair.environment("onestop-tests").items():
                    patch.setenv(name, value)
                yield pair
    except official.NotFound as error:
        if os.environ.get("ONESTOP_REQUIRE_ALL") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
