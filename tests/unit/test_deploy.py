"""Deploying, with programs that only write down what they were asked."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from infra import build, deploy

FAKE = """#!{python}
import json, sys
text = sys.stdin.read() if "--data-file=-" in sys.argv else ""
with open({log!r}, "a") as log:
    log.write(json.dumps([{name!r}, sys.argv[1:], text]) + "\\n")
asked = " ".join(sys.argv[1:])
if "output -json secrets" in asked:
    print(json.dumps({{"ONESTOP_SECRET_KEYS": "onestop-secret-keys", "ONESTOP_SMTP_RELAYS": "onestop-smtp-relays"}}))
elif "output -json" in asked:
    print(json.dumps("https://register.example.org"))
elif "versions list" in asked and {known!r}:
    print("projects/1/secrets/x/versions/1")
elif "storage ls" in asked:
    sys.exit(1)
"""
RELAY = "smtps://user:hidden-password@smtp.example.org:465"


class Programs:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self.log = folder / "log"
        self.write("gcloud")
        self.write("terraform")
        monkeypatch.setenv("PATH", str(folder))
        monkeypatch.setenv("ONESTOP_SMTP_RELAYS", RELAY)
        monkeypatch.setattr(deploy, "VARIABLES", folder / "onestop.tfvars")
        monkeypatch.setattr(build, "main", lambda: 0)
        (folder / "onestop.tfvars").write_text('region = "europe-west6"\n')

    def write(self, name: str, known: bool = False) -> None:
        path = self._folder / name
        path.write_text(FAKE.format(python=sys.executable, log=str(self.log), name=name, known=known))
        path.chmod(0o755)

    def asked(self) -> list[tuple[str, str, str]]:
        calls = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [(name, " ".join(arguments), text) for name, arguments, text in calls]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path, monkeypatch)


def test_secrets_have_a_value_before_the_functions_are_made(programs: Programs) -> None:
    assert deploy.deploy("onestop-test") == "https://register.example.org"
    steps = [line for _, line, _ in programs.asked() if " apply " in line or "versions add" in line]
    assert ["-target=google_secret_manager_secret.secret" in line for line in steps] == [True, False, False, False]
    assert "versions add" in steps[1]
    assert "versions add" in steps[2]


def test_secrets_travel_by_pipe_only(programs: Programs) -> None:
    deploy.deploy("onestop-test")
    added = {line.split()[3]: text for _, line, text in programs.asked() if "versions add" in line}
    assert added["onestop-smtp-relays"] == RELAY
    assert len(added["onestop-secret-keys"]) >= 32
    assert not [line for _, line, _ in programs.asked() if RELAY in line or added["onestop-secret-keys"] in line]


def test_a_second_deployment_leaves_the_secrets_alone(programs: Programs) -> None:
    programs.write("gcloud", known=True)
    deploy.deploy("onestop-test")
    assert not [line for _, line, _ in programs.asked() if "versions add" in line]


def test_the_state_is_kept_in_the_region_of_the_rest(programs: Programs) -> None:
    deploy.deploy("onestop-test")
    assert any("buckets create gs://onestop-test-onestop-terraform" in line for _, line, _ in programs.asked())
    assert any("--location=europe-west6" in line for _, line, _ in programs.asked())


def test_terraforms_own_default_region_is_used_where_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "onestop.tfvars").write_text('domain = "register.example.org"\n')
    assert deploy.region_of(tmp_path / "onestop.tfvars") == "europe-west1"


def test_missing_variables_are_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(deploy, "VARIABLES", deploy.GCP / "absent.tfvars")
    assert deploy.main(["onestop-test"]) == 1
    assert "copy infra/gcp/example.tfvars to infra/gcp/absent.tfvars" in capsys.readouterr().err


def test_a_missing_program_is_one_clear_line(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(deploy.NotDeployed, match="the program gcloud is missing: install it"):
        deploy.deploy("onestop-test")
