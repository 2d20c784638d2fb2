"""The head of every public page leads where the content says, besides the lists and the contact form."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.institution.models import Theme
from tests.house import House

ROOT = Path(__file__).parents[2]


def test_the_sample_leads_to_a_series_and_to_the_page_about_the_platform(house: House) -> None:
    """From pages of every slice, in the reader's language, and the present one is marked."""
    content = tomllib.loads((ROOT / "shared/content/theme.toml").read_text("utf-8"))
    paths = [one["path"] for one in content["themes"][0]["navigation"]]
    assert paths == ["/series/world-local-production-forum", "/pages/about"]
    for address in ("/", "/events/local-production-forum-next", "/activities", "/find", *paths):
        page = house.get(f"{address}?lang=ar").text
        head = page[page.index('class="main-nav"') : page.index("</nav>")]
        found = re.findall(r'<a href="([^"]+)"( aria-current="\w+")?>', head)
        assert [at for at, _ in found] == ["/events", "/activities", *paths, "/contact/need"]
        assert [at for at, here in found if "page" in here] == [at for at in (*paths, "/activities") if at == address]
        assert "المنتدى" in head
    assert all(house.get(path).status == 200 for path in paths)


@pytest.mark.parametrize("path", ["https://example.org", "//example.org", "/a?b", "javascript:x", "pages/about"])
def test_it_leads_nowhere_else(path: str) -> None:
    with pytest.raises(ValidationError):
        Theme.model_validate({"id": "platform", "name": "x", "navigation": [{"title": "Out", "path": path}]})
