"""Seeds and counts stand under the run, also of tests that passed, and also where several processes ran them."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    for line in (value for report in reports for name, value in report.user_properties if name == "fuzz"):
        terminalreporter.write_line(line)
