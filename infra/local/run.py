"""Runs all of onestop on this machine: ``python -m infra.local.run``, or ``make run``.

Settings come from the environment: ``PORT`` (8080; 0 takes a free one), ``DATA`` (``.onestop``), ``ENGINE``
(``embedded``, or ``emulators`` for Google's own of Firestore and Pub/Sub), ``SAMPLE`` (``rich``: a new store begins
with six weeks of invented use, ``infra/sample``), and the ``ONESTOP_*`` variables of
``shared.settings``. For every target of ``shared/topology.toml`` there is one functions-framework process, as in the
cloud; in front of them a gateway gives them one origin. Behind them the pusher stands in for Pub/Sub and Cloud
Scheduler, or beside the emulators the ticker for the latter alone.

While it runs, ``<DATA>/run.json`` tells the address, everybody's pid, the targets' own ports, and the variables that
make a tool work on the same engine.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from infra.entry import root_main
from infra.local import content, emulators
from infra.local.processes import ROOT, Child, Family
from shared import settings, topology, wiring
from shared.private_folder import private_folder
from shared.topology import Target, Topology

HOST = "127.0.0.1"
START_SECONDS = 60.0
LOOK_SECONDS = 0.1
FIRST_RETRY = 1  # seconds, as on the embedded engine: a function that restarts here is back at once
BEHIND = 5  # niceness of what no visitor waits for
ENGINES = ("embedded", "emulators")
SAMPLES = ("", "rich")


class Refused(Exception):
    """onestop cannot run like this; the text is one line and says what to do."""


@dataclass(frozen=True)
class Plan:
    """What the environment asks for."""

    port: int
    data: Path
    engine: str
    sample: str = ""


def main() -> int:
    """Until Ctrl-C or SIGTERM. Returns the exit status: 1 where the system cannot start or go on, and it said why."""
    family = Family(say)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        plan = read_plan(dict(os.environ))
        with take_folder(plan.data), listen(plan.port) as listener, started_engine(plan) as engine:
            try:
                run(plan, engine, listener, family)
            finally:
                family.stop()  # before the emulators
    except Refused as refusal:
        say(str(refusal))
        return 1
    except OSError as error:  # a full disk, a file of another user
        say(f"cannot go on: {error}")
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        family.stop()
    return 0


def run(plan: Plan, engine: dict[str, str], listener: socket.socket, family: Family) -> None:
    """Start everybody, wait until they answer, and look after them until interrupted."""
    begun = time.monotonic()
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    environment = child_environment(plan, url) | engine
    check_settings(environment)
    system = topology.load()
    ports = dict(zip((target.id for target in system.targets), free_ports(len(system.targets)), strict=True))
    environment["ONESTOP_TARGETS"] = json.dumps(ports)
    held: dict[str, int] = {}
    if plan.engine == "emulators":
        endpoints = {t.function: f"http://{HOST}:{ports[t.id]}/" for t in system.targets if t.name == "events"}
        eager = replace(system, delivery=replace(system.delivery, backoff=(FIRST_RETRY, system.delivery.backoff[1])))
        emulators.create_topics(engine["PUBSUB_EMULATOR_HOST"], eager, engine["GOOGLE_CLOUD_PROJECT"], endpoints)
        held = {t.id: hold(ports[t.id]) for t in system.targets if t.name == "events"}
    import_content(environment | {"ONESTOP_ANSWER_SECONDS": str(START_SECONDS)})  # emulators begin slowly
    if plan.sample:
        say("making six weeks of sample use; it takes a while, the first time")
        subprocess.run([sys.executable, "-m", "infra.sample"], cwd=ROOT, env=environment, check=True)

    def write_state() -> None:
        children = {child.name: child.pid for child in family.children}
        state = {"url": url, "pid": os.getpid(), "children": children, "ports": ports, "engine": engine}
        draft = plan.data / "run.json.draft"
        draft.write_text(json.dumps(state, indent=2))
        draft.replace(plan.data / "run.json")

    family.on_change = write_state
    stage(system, plan.data)
    logs = plan.data / "logs"
    helper = "pusher" if plan.engine == "embedded" else "ticker"
    family.start(*(function_process(t, system, ports, environment, plan.data, held.get(t.id)) for t in system.targets))
    family.start(
        Child(helper, [f"infra.local.{helper}"], environment, new_log(logs, helper), nice=BEHIND),
        Child(
            "gateway",
            ["infra.local.gateway", str(listener.fileno())],
            environment,
            new_log(logs, "gateway"),
            pass_fds=[listener.fileno()],
        ),
    )
    wait_until_ready(family, {**ports, "gateway": listener.getsockname()[1]})
    print(
        f"onestop is ready ({time.monotonic() - begun:.1f} s). Ctrl-C stops it.",
        f"  public site  {url}/",
        f"  desk         {url}/desk",
        f"  mailbox      {url}/mailbox",
        f"  data         {plan.data}",
        *(["  The emulators forget theirs when they stop."] if plan.engine == "emulators" else []),
        sep="\n",
        flush=True,
    )
    while True:
        family.watch()
        time.sleep(LOOK_SECONDS)


# --- before the start ----------------------------------------------------------------------------------------


def read_plan(environ: dict[str, str]) -> Plan:
    """Raises ``Refused``."""
    port = environ.get("PORT") or "8080"
    if not port.isdecimal() or int(port) > 65535:
        raise Refused(f"PORT is {port!r}: give a number from 0 to 65535, as in 'make run PORT=8081'")
    engine = environ.get("ENGINE") or "embedded"
    if engine not in ENGINES:
        raise Refused(f"ENGINE is {engine!r}: this runner knows {', '.join(ENGINES)}")
    sample = environ.get("SAMPLE") or ""
    if sample not in SAMPLES or (sample and engine != "embedded"):
        raise Refused(f"SAMPLE is {sample!r}: this runner knows 'rich', on the engine 'embedded'")
    return Plan(int(port), Path(environ.get("DATA") or ".onestop").absolute(), engine, sample)


def take_folder(data: Path) -> IO[str]:
    """The data folder, made and locked for this run. Raises ``Refused``."""
    try:
        if not private_folder(data):
            raise Refused(
                f"the data folder {data} holds other things, and others can read it: choose a new one, as in"
                " 'make run DATA=FOLDER', or close this one with chmod 700"
            )
        lock = (data / "run.lock").open("a")
    except OSError as error:
        raise Refused(
            f"the data folder {data} cannot be written ({error.strerror}): choose another, as in 'make run DATA=FOLDER'"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Refused(
            f"onestop already runs on the data folder {data}: stop it, or choose another, as in 'make run DATA=FOLDER'"
        ) from None
    return lock


def listen(port: int) -> socket.socket:
    """The public socket, held here so that nobody is turned away while the gateway restarts. Raises ``Refused``."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise Refused(
            f"port {port} cannot be used ({error.strerror}): choose another, as in 'make run PORT={port % 65535 + 1}'"
        ) from None
    listener.listen(1024)
    return listener


def child_environment(plan: Plan, url: str) -> dict[str, str]:
    """Ours without what is the gateway's alone; ``url`` is where visitors come, unless the environment says."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PORT", "HOST", "DEBUG")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled bytecode starts four times faster
    environment.setdefault("ONESTOP_BASE_URL", url)
    environment.setdefault("ONESTOP_TRUSTED_HOPS", "1")  # the gateway
    return environment | {"ONESTOP_DATA": str(plan.data), "PYTHONPATH": str(ROOT)}


@contextmanager
def started_engine(plan: Plan) -> Iterator[dict[str, str]]:
    """What the children must know of the engine, which runs as long as the block does. Raises ``Refused``."""
    if plan.engine == "embedded":
        yield {"ONESTOP_ENGINE": "embedded"}
        return
    project = os.environ.get("GOOGLE_CLOUD_PROJECT") or "onestop-local"
    try:
        with emulators.given_or_running(new_log(plan.data / "logs", "emulators")) as pair:
            yield {"ONESTOP_ENGINE": "cloud", "ONESTOP_PUSH_AUTH": "off", **pair.environment(project)}
    except (emulators.NotFound, emulators.NotStarted) as error:
        raise Refused(str(error)) from None


def check_settings(environment: dict[str, str]) -> None:
    """Raises ``Refused`` for a bad setting, before eight processes fail by it."""
    try:
        wiring.build(settings.from_environment(environment))
    except settings.BadSettings as error:
        raise Refused(str(error)) from None


def import_content(environment: dict[str, str]) -> None:
    """Give a new store its sample content. Raises ``Refused``."""

    def importing(module: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", module, "import", "--if-empty"]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor() as pool:
        finished = list(pool.map(importing, content.importer_names()))
    for module, done in zip(content.importer_names(), finished, strict=True):
        if done.returncode:
            words = done.stderr.strip()
            raise Refused(words.splitlines()[-1] if "Traceback" in words else words or f"{module} gave no reason")


def free_ports(count: int) -> list[int]:
    """All different, and free now; nobody keeps them."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def hold(port: int) -> int:
    """A listening socket's descriptor, open as long as this process lives.

    Pushes to a function that restarts wait there. The emulator would take a refused connection for a failure, and when
    two of a subscription fail within a millisecond it never sends what is due again (its version 0.8.20).
    """
    return socket.create_server((HOST, port), backlog=1024).detach()


def stage(system: Topology, data: Path) -> None:
    """The framework loads a file, not a package: give it one for each function, as the zips have at their root."""
    for function in {target.function for target in system.targets}:
        folder = data / "stage" / function
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.py").write_text(root_main(function))


# --- the start -----------------------------------------------------------------------------------------------


def function_process(
    target: Target,
    system: Topology,
    ports: dict[str, int],
    environment: dict[str, str],
    data: Path,
    listener: int | None = None,
) -> Child:
    """Not started yet. ``ports`` by target id; ``listener`` is a socket's number, to inherit instead of opening one."""
    server = system.local_servers[target.name]
    source, port = str(data / "stage" / target.function / "main.py"), str(ports[target.id])
    runtime = data / "stage" / target.id  # gunicorn's control socket; without it all would share one in the home folder
    runtime.mkdir(exist_ok=True)
    shape = {"WORKERS": str(server.workers), "THREADS": str(server.threads), "XDG_RUNTIME_DIR": str(runtime)}
    shape["OTEL_SERVICE_NAME"] = f"onestop-{target.id}"  # as Terraform names it
    if listener is not None:
        shape["LISTEN_FD"] = str(listener)
    return Child(
        target.id,
        ["functions_framework", "--source", source, "--target", target.name, "--host", HOST, "--port", port],
        environment | shape,
        new_log(data / "logs", target.id),
        nice=BEHIND if target.name == "events" else 0,
        pass_fds=[] if listener is None else [listener],
    )


def new_log(folder: Path, name: str) -> Path:
    """An empty log: they are kept for one run only."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.log"
    path.write_bytes(b"")
    return path


def wait_until_ready(family: Family, ports: dict[str, int]) -> None:
    """Until every port answers ``/healthz`` with 200. Raises ``Refused`` for the first child that gives up."""
    deadline = time.monotonic() + START_SECONDS
    waiting = dict(ports)
    while waiting:
        for child in family.children:
            if not child.alive():
                raise Refused(f"{child.name} does not start: {child.last_words()} (its log: {child.log})")
        waiting = {name: port for name, port in waiting.items() if not healthy(port)}
        if waiting and time.monotonic() > deadline:
            raise Refused(f"no answer from {', '.join(sorted(waiting))} after {START_SECONDS:.0f} s: see the logs")
        time.sleep(0.02)


def healthy(port: int) -> bool:
    """Whether ``/healthz`` answers 200 within two seconds."""
    with suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(HOST, port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        finally:
            connection.close()
    return False


def say(text: str) -> None:
    """To people, on stderr."""
    print(f"onestop: {text}", file=sys.stderr, flush=True)


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
