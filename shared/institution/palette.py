"""All colours of pages and mails, from the few that a theme chooses, and whether they can be read.

Names are those of the style sheet's custom properties. Contrast is WCAG 2.2's (``contrast``): 4.5 for text
(success criterion 1.4.3), 3 for borders of controls and the focus (1.4.11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from shared.documents import Content

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
Colours = Mapping[str, str]
"""``#rrggbb`` by name."""
TEXT, GRAPHIC = 4.5, 3.0

OWN: dict[Scheme, Colours] = {
    "light": {
        "paper": "#f6f7f5",
        "surface": "#ffffff",
        "ink": "#15212b",
        "muted": "#53616c",
        "line": "#d9deda",
        "edge": "#77828a",
        "accent": "#0b5670",
        "accent-hover": "#083f53",
        "on-accent": "#ffffff",
        "soft": "#e6f0f3",
        "signal": "#c8430c",
        "bad": "#a8201a",
    },
    "dark": {
        "paper": "#0f161b",
        "surface": "#182128",
        "ink": "#e9eef1",
        "muted": "#a4b1bb",
        "line": "#2d3942",
        "edge": "#7d8b96",
        "accent": "#74c7de",
        "accent-hover": "#a3dceb",
        "on-accent": "#0a1a21",
        "soft": "#17313b",
        "signal": "#ff8a57",
        "bad": "#ff9d94",
    },
}
"""The style sheet's, for whoever chooses none; a test compares them."""
PAIRS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("ink", ("paper", "surface", "soft"), TEXT),
    ("muted", ("paper", "surface", "soft"), TEXT),
    ("accent", ("paper", "surface", "soft"), TEXT),
    ("accent-hover", ("paper", "surface"), TEXT),
    ("on-accent", ("accent", "accent-hover"), TEXT),
    ("bad", ("paper", "surface"), TEXT),
    ("signal", ("paper", "surface"), GRAPHIC),
    ("edge", ("paper", "surface"), GRAPHIC),
)
"""What stands on what, and its least contrast."""
_CHOSEN = {"muted": "ink", "accent-hover": "accent", "on-accent": "accent", "bad": "paper", "edge": "paper"}
"""The colour that a theme chooses, which another one follows from."""
_HEX = re.compile(r"#(?:[0-9a-f]{3}){1,2}", re.IGNORECASE)


def _colour(text: str) -> str:
    if not _HEX.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is no colour; write it like '#0b5670'")
    digits = text.strip()[1:].lower()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


Colour = Annotated[str, AfterValidator(_colour)]


class Chosen(Content):
    """The colours that a theme chooses in one scheme; what it leaves out follows, or is the product's own.

    ``accent`` is that of links and buttons, ``signal`` of the focus and of small marks, ``paper`` of the page and
    ``ink`` of its text.
    """

    accent: Colour | None = None
    signal: Colour | None = None
    paper: Colour | None = None
    ink: Colour | None = None


class Choice(Content):
    """Colours in both schemes: ``{ light = { accent = "#0b5670" } }``, or ``{ accent = ... }`` for the light one."""

    light: Chosen = Chosen()
    dark: Chosen = Chosen()


def _light_alone(given: object) -> object:
    named = isinstance(given, dict) and bool(given) and not given.keys() & set(SCHEMES)
    return {"light": given} if named else given


PaletteChoice = Annotated[Choice, BeforeValidator(_light_alone)]


def contrast(one: str, other: str) -> float:
    """From 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def palette(choice: Choice, scheme: Scheme) -> dict[str, str]:
    """All colours of a scheme. The dark scheme takes over the hues that were chosen for the light one."""
    given = {name: colour for name, colour in getattr(choice, scheme) if colour}
    colours = {**OWN[scheme], **given}
    if given.keys() & {"paper", "ink"}:
        colours |= _neutral(colours, scheme)
    for name in ("accent", "signal"):
        if scheme == "dark" and name not in given and (chosen := getattr(choice.light, name)):
            given[name] = colours[name] = _readable(name, chosen, "#ffffff", colours)
    if "accent" in given:
        colours |= _of_accent(colours, scheme)
    if given.keys() & {"paper", "ink", "accent"}:
        colours["soft"] = _soft(colours)
    return colours


def _neutral(colours: Colours, scheme: Scheme) -> dict[str, str]:
    """Surfaces and greys between paper and ink."""
    paper, ink = colours["paper"], colours["ink"]
    made = {"surface": mixed(paper, "#ffffff", 1 if scheme == "light" else 0.05), "line": mixed(paper, ink, 0.15)}
    shown = {**colours, **made}
    return made | {
        "muted": _readable("muted", mixed(paper, ink, 0.7), ink, shown),
        "edge": _readable("edge", mixed(paper, ink, 0.5), ink, shown),
    }


def _of_accent(colours: Colours, scheme: Scheme) -> dict[str, str]:
    """What lies on it, and itself under a pointer."""
    accent = colours["accent"]
    hover = mixed(accent, "#000000" if scheme == "light" else "#ffffff", 0.25)
    on_accent = max(("#ffffff", "#0a1a21"), key=lambda one: min(contrast(one, accent), contrast(one, hover)))
    return {"accent-hover": hover, "on-accent": on_accent}


def _soft(colours: Colours) -> str:
    """As much of the accent on a surface as leaves what stands on it readable."""
    tints = [mixed(colours["surface"], colours["accent"], percent / 100) for percent in range(14, 2, -1)]
    return next(
        (one for one in tints if min(contrast(colours[n], one) for n in ("accent", "muted")) >= TEXT), tints[-1]
    )


def _readable(name: str, colour: str, towards: str, colours: Colours) -> str:
    """``colour``, moved towards another no further than it takes to be read on paper and surface."""
    least = next(least for one, _, least in PAIRS if one == name) + 0.5  # so that there is something left for a tint
    steps = [mixed(colour, towards, step / 20) for step in range(20)]
    grounds = colours["paper"], colours["surface"]
    return next((one for one in steps if min(contrast(one, ground) for ground in grounds) >= least), towards)


def faults(choice: Choice) -> Iterator[str]:
    """What cannot be read: key, figure and mend."""
    for scheme in SCHEMES:
        colours, told = palette(choice, scheme), set()
        for name, grounds, least in PAIRS:
            for ground in grounds:
                ratio = contrast(colours[name], colours[ground])
                key = _CHOSEN.get(name, name)
                if ratio < least and key not in told:
                    told.add(key)
                    yield (
                        f"colours.{scheme}.{key}: {name} {colours[name]} has a contrast of {int(ratio * 100) / 100}:1"
                        f" on {ground} {colours[ground]}, and {least:g}:1 is the least (WCAG 2.2 AA); choose a"
                        f" {'darker' if scheme == 'light' else 'lighter'} one"
                    )


def mixed(colour: str, other: str, share: float) -> str:
    """``colour`` with a ``share`` (0 to 1) of another."""
    parts = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in parts)


def _channels(colour: str) -> tuple[int, ...]:
    """Red, green and blue, 0 to 255."""
    return tuple(int(colour[start:end], 16) for start, end in pairwise((1, 3, 5, 7)))


def _luminance(colour: str) -> float:
    """Relative, from 0 to 1 (WCAG 2.2, "relative luminance")."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
