"""The packages as the cloud gets them: unpacked alone, beside nothing but what their own requirements.txt installs."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra import build
from infra.local.identity import Signer
from shared import topology

pytestmark = pytest.mark.system
TARGETS = topology.load().targets
START_SECONDS = 30
TICK = {"event_id": "clock.tick", "type": "clock.tick", "time": "2000-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every package, built and unpacked into an empty folder, by function."""
    folders = {}
    for name in build.package_names():
        folder = tmp_path_factory.mktemp(name)
        with zipfile.ZipFile(build.write_package(name, folder)) as archive:
            archive.extractall(folder / "unpacked")
        folders[name] = folder / "unpacked"
    return folders


@pytest.mark.parametrize("name", build.package_names())
def test_the_same_input_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    first, second = (build.write_package(name, folder) for folder in folders)
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_a_changed_source_changes_its_own_package_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = {name: build.write_package(name, tmp_path).name for name in build.package_names()}
    files = build.package_files

    def changed(name: str) -> dict[str, bytes]:
        found = files(name)
        return {path: c + b"\n" if path == "functions/registration/main.py" else c for path, c in found.items()}

    monkeypatch.setattr(build, "package_files", changed)
    after = {name: build.write_package(name, tmp_path).name for name in build.package_names()}
    assert {name for name in before if before[name] != after[name]} == {"registration"}


@pytest.mark.parametrize("name", build.package_names())
def test_a_package_holds_its_own_slice_and_no_sources_of_catalogues(name: str) -> None:
    entries = build.package_files(name)
    slices = {entry.split("/")[1] for entry in entries if entry.startswith("functions/")} - {
        "__init__.py",
        "__pycache__",
    }
    assert slices == {name}
    assert not [entry for entry in entries if entry.endswith((".po", ".pot"))]
    assert [entry for entry in entries if "shared/content/" in entry] == ["shared/content/countries.toml"]
    assert entries["requirements.txt"] == (build.ROOT / "functions" / name / "requirements.txt").read_bytes()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.id)
def test_every_target_starts_from_its_package_and_answers(
    target: topology.Target, packages: dict[str, Path], tmp_path: Path
) -> None:
    folder = packages[target.function]
    with serving(target, folder, environment_for(folder), tmp_path) as url:
        assert answer(f"{url}/healthz")[0] == 200
        if target.name == "events":
            push = {"message": {"attributes": TICK, "data": base64.b64encode(b"{}").decode()}, "subscription": "s"}
            body, signer = json.dumps(push).encode(), Signer(tmp_path / "data", "onestop")
            assert answer(f"{url}/", body)[0] == 403, "a push that nobody signed"
            assert answer(f"{url}/", body, Authorization=signer.authorization())[0] == 204
        else:
            status, body = answer(url + target.paths[0])
            assert status in ((200,) if target.name == "web" else (200, 303, 401, 403)), body
            assert body or status == 303


def test_bytecode_in_a_package_is_what_python_runs(packages: dict[str, Path], tmp_path: Path) -> None:
    folder = packages["registration"]
    python = environment_for(folder) / "bin" / "python"
    command = [python, "-v", "-c", "import shared.topology"]
    log = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stderr
    assert "topology.cpython" in log
    assert "matches" in next(line for line in log.splitlines() if "topology.cpython" in line)


def environment_for(folder: Path) -> Path:
    """A virtual environment made only from the package's requirements.txt; kept for the next run under their hash."""
    requirements = (folder / "requirements.txt").read_bytes()
    key = hashlib.sha256(requirements + sys.version.encode()).hexdigest()[:16]
    place = Path(tempfile.gettempdir()) / f"onestop-venv-{key}"
    if not (place / "complete").exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--clear", f"--python={sys.executable}", place], check=True)
        install = [*uv, "pip", "install", "--quiet", "--require-hashes", "--requirements=requirements.txt"]
        subprocess.run([*install, f"--python={place / 'bin' / 'python'}"], cwd=folder, check=True)
        (place / "complete").touch()
    return place


@contextmanager
def serving(target: topology.Target, folder: Path, python: Path, tmp_path: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "ONESTOP_DATA": str(tmp_path / "data"),
        "ONESTOP_BASE_URL": f"http://127.0.0.1:{port}",
    }
    command = [python / "bin" / "functions-framework", "--target", target.name, "--host", "127.0.0.1"]
    with (tmp_path / "log").open("w+") as log:
        server = subprocess.Popen([*command, "--port", str(port)], cwd=folder, env=environment, stderr=log)
        try:
            wait_for(port, server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(10)


def wait_for(port: int, server: subprocess.Popen[bytes], log: object) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    log.seek(0)  # type: ignore[attr-defined]
    pytest.fail(f"the function did not start:\n{log.read()}")  # type: ignore[attr-defined]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def answer(url: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, headers | ({"Content-Type": "application/json"} if body else {}))
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
