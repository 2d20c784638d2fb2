from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.ports import Bus, Files, Store
from tests.ports.engines import ENGINES, Engine, params
from tests.ports.fake_storage import serving


@pytest.fixture(params=params())
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(engine_name: str, request: pytest.FixtureRequest) -> Engine:
    for fixture in ENGINES[engine_name].needs:
        request.getfixturevalue(fixture)
    return ENGINES[engine_name]


@pytest.fixture
def fake_storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with serving() as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        yield


@pytest.fixture
def place(engine: Engine, tmp_path: Path) -> str:
    return engine.new_place(tmp_path)


@pytest.fixture
def store(engine: Engine, place: str) -> Store:
    return engine.store(place)


@pytest.fixture
def bus(engine: Engine, place: str) -> Bus:
    return engine.bus(place)


@pytest.fixture
def files(engine: Engine, place: str) -> Files:
    return engine.files(place)
