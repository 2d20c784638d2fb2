"""All packages that are installed anywhere, pinned with their hashes: ``make requirements``, ``make audit``.

    python -m infra.requirements compile [--upgrade]    # requirements.txt from the requirements.in; newest versions
    python -m infra.requirements audit                  # known vulnerabilities in what is pinned

What the code needs itself stands by name in a ``requirements.in``; everything that comes with it is found by uv. One
version holds for all lists. A package whose hash is another is not installed
(https://pip.pypa.io/en/stable/topics/secure-installs/).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
OLDEST_PYTHON = "3.11"
SLICES = sorted(path.parent for path in (ROOT / "functions").glob("*/requirements.in"))
EVERY_FUNCTION = [ROOT / "shared", ROOT / "shared" / "adapters" / "cloud"]
RUNNER = [*SLICES, ROOT / "shared", ROOT / "infra" / "local"]
LISTS = {
    ROOT / "tests": [
        *RUNNER,
        ROOT / "shared" / "adapters" / "cloud",
        ROOT / "tests",
    ],  # all there is, so it comes first
    ROOT / "infra" / "local": RUNNER,  # `make run`
    **{slice: [slice, *EVERY_FUNCTION] for slice in SLICES},  # in the zip: what Cloud Functions installs
}
"""Folder of a compiled list -> the folders whose ``requirements.in`` it is compiled from."""


def main(arguments: list[str]) -> int:
    """Returns the exit status, that of the first program to fail."""
    parser = argparse.ArgumentParser(prog="infra.requirements", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("action", choices=("compile", "audit"))
    parser.add_argument("--upgrade", action="store_true", help="compile: take the newest versions")
    asked = parser.parse_args(arguments)
    return audit() if asked.action == "audit" else compile_all(asked.upgrade)


def compile_all(upgrade: bool) -> int:
    """Pin every list with hashes; ``upgrade`` takes the newest versions. Returns the first failing exit status."""
    for folder, sources in LISTS.items():
        command = ["uv", "pip", "compile", "--quiet", "--universal", f"--python-version={OLDEST_PYTHON}"]
        command += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header"]
        command += [str(source / "requirements.in") for source in sources]
        command += ["--output-file", str(folder / "requirements.txt")]
        if folder == ROOT / "tests":
            command += ["--upgrade"] if upgrade else []
        else:
            command += ["--upgrade", "--constraint", str(ROOT / "tests" / "requirements.txt")]
        if status := subprocess.run(
            [sys.executable, "-m", *command], stdout=subprocess.DEVNULL, check=False
        ).returncode:
            return status
    return 0


def audit() -> int:
    """Exit status of pip-audit: 0 where nothing is known against what is pinned. Asks PyPI's advisory database."""
    everything = ROOT / "tests" / "requirements.txt"
    command = ["pip_audit", "--requirement", str(everything), "--require-hashes", "--disable-pip", "--strict"]
    return subprocess.run([sys.executable, "-m", *command], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
