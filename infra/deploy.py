"""Build, apply, and look: ``python -m infra.deploy PROJECT``, or ``make deploy PROJECT=...``.

Needs the ``gcloud`` and ``terraform`` programs, signed in (``gcloud auth application-default login``), a project with
billing, and ``infra/gcp/onestop.tfvars`` (see example.tfvars). Running it again changes only what has changed.
docs/operations.md tells the first deployment step by step.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra import build, smoke

GCP = build.ROOT / "infra" / "gcp"
VARIABLES = GCP / "onestop.tfvars"
NEEDED = ("cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com")  # Terraform switches the others on
RELAYS = "ONESTOP_SMTP_RELAYS"


class NotDeployed(Exception):
    """Something is missing; the text is one line and says what to do."""


def main(arguments: list[str]) -> int:
    """Deploy, then ask the new system questions (``smoke``). Returns the exit status: 2 for other arguments."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        url = deploy(arguments[0])
    except NotDeployed as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    return smoke.main([url])


def deploy(project: str) -> str:
    """Returns the origin's URL."""
    if not VARIABLES.exists():
        raise NotDeployed(f"copy infra/gcp/example.tfvars to {VARIABLES.relative_to(build.ROOT)} and fill it in")
    if build.main():
        raise NotDeployed("the packages could not be built")
    run("gcloud", "services", "enable", *NEEDED, f"--project={project}")
    bucket = state_bucket(project)
    terraform(
        "init", "-input=false", "-reconfigure", f"-backend-config=bucket={bucket}", "-backend-config=prefix=onestop"
    )
    # A function does not start without its secrets, and their values do not pass through Terraform: so in two steps.
    apply(project, "-target=google_secret_manager_secret.secret", "-auto-approve")
    for setting, secret in output("secrets").items():
        add_first_version(project, setting, secret)
    apply(project)
    print(f"The domain's DNS A record must point at {output('address')}")
    return str(output("url"))


def state_bucket(project: str) -> str:
    """The bucket of Terraform's state, made on first use, with its old versions kept."""
    bucket = f"{project}-onestop-terraform"
    url, region = f"gs://{bucket}", region_of(VARIABLES)
    if subprocess.run(["gcloud", "storage", "ls", "--buckets", url], capture_output=True, check=False).returncode:
        places = [f"--project={project}", f"--location={region}", "--public-access-prevention"]
        run("gcloud", "storage", "buckets", "create", url, *places, "--uniform-bucket-level-access")
        run("gcloud", "storage", "buckets", "update", url, "--versioning")
    return bucket


def region_of(variables: Path) -> str:
    """The region that the variables name, else Terraform's default."""
    for path, pattern in (
        (variables, r'^region\s*=\s*"([^"]+)"'),
        (GCP / "variables.tf", r'"region" \{[^}]*?default\s*=\s*"([^"]+)"'),
    ):
        if found := re.search(pattern, path.read_text("utf-8"), re.MULTILINE):
            return found[1]
    raise NotDeployed(f"{variables} names no region")


def add_first_version(project: str, setting: str, secret: str) -> None:
    """Give a new secret its value, through a pipe: neither in an argument nor in a file."""
    listed = [
        "gcloud",
        "secrets",
        "versions",
        "list",
        secret,
        f"--project={project}",
        "--format=value(name)",
        "--limit=1",
    ]
    if run(*listed, capture=True).strip():
        return
    if setting != RELAYS:
        value = secrets.token_urlsafe(32)
    else:
        value = os.environ.get(RELAYS) or getpass.getpass(f"{RELAYS} (smtps://user:password@host:465): ")
    run("gcloud", "secrets", "versions", "add", secret, f"--project={project}", "--data-file=-", text=value)


def apply(project: str, *options: str) -> None:
    """Terraform shows its plan and asks, unless told not to (TF_CLI_ARGS_apply=-auto-approve)."""
    files = [f"-var-file={build.ROOT / 'build' / 'packages.tfvars.json'}", f"-var-file={VARIABLES}"]
    terraform("apply", f"-var=project={project}", *files, *options)


def output(name: str) -> Any:
    """A value that Terraform put out. Raises ``NotDeployed``."""
    return json.loads(terraform("output", "-json", name, capture=True))


def terraform(*arguments: str, capture: bool = False) -> str:
    """What it printed, with ``capture``. Raises ``NotDeployed``."""
    return run("terraform", f"-chdir={GCP}", *arguments, capture=capture)


def run(*command: str, text: str | None = None, capture: bool = False) -> str:
    """Raises ``NotDeployed`` where the program is missing or fails; it has then said why."""
    try:
        done = subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.PIPE if capture else None)
    except FileNotFoundError:
        raise NotDeployed(f"the program {command[0]} is missing: install it") from None
    except subprocess.CalledProcessError:
        raise NotDeployed(f"`{' '.join(command[:3])}` failed; mend what it says above and run this again") from None
    return done.stdout or ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
