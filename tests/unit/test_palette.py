"""Colours that follow from those of a theme can be read in both schemes, and others are refused with the figure."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.institution.models import Theme
from shared.institution.palette import OWN, PAIRS, SCHEMES, TEXT, Choice, Chosen, contrast, faults, palette
from shared.web.static_files import STATIC

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_wcags() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#123456", "#123456") == pytest.approx(1)


def test_the_style_sheet_has_these_colours() -> None:
    style = (STATIC / "style.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)[:2]
    )
    for scheme, sheet in zip(SCHEMES, (light, dark), strict=True):
        assert {name: sheet.get(name) for name in OWN[scheme]} == OWN[scheme]


def test_the_products_own_can_be_read() -> None:
    assert list(faults(Choice())) == []


@settings(deadline=None, max_examples=50)
@given(accent=COLOURS)
@example(accent="#595959")
@example(accent="#8a2be2")
def test_whatever_accent_can_be_read_on_light_gives_two_readable_schemes(accent: str) -> None:
    assume(min(contrast(accent, OWN["light"][ground]) for ground in ("paper", "surface")) >= TEXT)
    assert list(faults(Choice(light=Chosen(accent=accent)))) == []


@settings(deadline=None, max_examples=50)
@given(colours=st.fixed_dictionaries({}, optional=dict.fromkeys(("accent", "signal", "paper", "ink"), COLOURS)))
def test_what_is_not_refused_can_be_read(colours: dict[str, str]) -> None:
    choice = Choice(light=Chosen(**colours))  # type: ignore[arg-type]
    readable = all(
        contrast(colours[name], colours[ground]) >= least
        for colours in (palette(choice, scheme) for scheme in SCHEMES)
        for name, grounds, least in PAIRS
        for ground in grounds
    )
    assert readable == (list(faults(choice)) == [])


def test_a_faint_colour_is_refused_with_the_figure() -> None:
    (fault,) = faults(Theme.model_validate({"id": "x", "name": "X", "colours": {"accent": "#7ab8e0"}}).colours)
    assert fault == (
        "colours.light.accent: accent #7ab8e0 has a contrast of 2.0:1 on paper #f6f7f5, and 4.5:1 is the least"
        " (WCAG 2.2 AA); choose a darker one"
    )
    dark = {"dark": {"signal": "#333333"}}
    (fault,) = faults(Theme.model_validate({"id": "x", "name": "X", "colours": dark}).colours)
    assert fault.startswith("colours.dark.signal: signal #333333 has a contrast of 1.4")
    assert fault.endswith("3:1 is the least (WCAG 2.2 AA); choose a lighter one")


@pytest.mark.parametrize("colour", ["red", "#12345", "url(x)", "#fff;}body{display:none"])
def test_what_is_no_colour_reaches_no_style_sheet(colour: str) -> None:
    with pytest.raises(ValidationError, match="is no colour"):
        Theme.model_validate({"id": "x", "name": "X", "colours": {"accent": colour}})
