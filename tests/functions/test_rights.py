"""The one table of rights, and that no route of a desk is without a permission."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Response

from shared.staff.gate import DeskGate
from shared.staff.permissions import ADDED, PERMISSIONS, ROLES, UNRECORDED, allowed
from shared.web.site import ANYBODY, Site
from shared.web.visit import Visit
from tests.functions.browser import platform


def page(visit: Visit) -> Response:
    return Response("page")


@pytest.mark.parametrize("rule", ["/desk", "/desk/reports", "/desk/<id>"])
@pytest.mark.parametrize("gated", [True, False])
def test_a_desk_route_without_a_permission_does_not_start(tmp_path: Path, rule: str, gated: bool) -> None:
    site = Site(platform(tmp_path), tmp_path, DeskGate() if gated else None)
    with pytest.raises(ValueError, match="say who may come in"):
        site.route(rule)(page)


def test_behind_a_gate_every_route_says_who_may_come_in(tmp_path: Path) -> None:
    site = Site(platform(tmp_path), tmp_path, DeskGate())
    with pytest.raises(ValueError, match="say who may come in"):
        site.route("/mailbox")(page)
    site.route("/mailbox", may=ANYBODY)(page)


def test_a_permission_must_be_in_the_table_and_have_a_gate_that_asks_for_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no permission"):
        Site(platform(tmp_path), tmp_path, DeskGate()).route("/desk", may="desk.veiw")(page)
    with pytest.raises(ValueError, match="no permission"):
        Site(platform(tmp_path / "b"), tmp_path).route("/desk", may="desk.view")(page)


def test_each_permission_stands_in_the_table_once() -> None:
    assert sum(map(len, ADDED.values())) == len(PERMISSIONS)
    assert UNRECORDED <= PERMISSIONS
    with pytest.raises(KeyError, match="no role has"):
        allowed("administrator", "desk.veiw")
    assert not allowed("stranger", "desk.view")
    assert all(allowed(ROLES[-1], permission) for permission in PERMISSIONS)
