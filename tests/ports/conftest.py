from __future__ import annotations

from pathlib import Path

import pytest

from shared.ports import Bus, Files, Store
from tests.ports.engines import ENGINES, Engine


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(engine_name: str) -> Engine:
    return ENGINES[engine_name]


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
