"""The check finds a text that is planted outside of gettext, and nothing where there is none."""

from __future__ import annotations

import pytest

from infra import catalogues, untranslated


def test_every_text_of_the_sources_is_marked() -> None:
    assert list(untranslated.find()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise Problem(404, "gone", "There is nothing here.")', ["There is nothing here."]),
        ('raise Problem(404, "gone", _("There is nothing here."))', []),
        ('raise Problem(404, "gone", title="Gone")', ["Gone"]),
        ('raise Invalid({"last": "The last day lies before the first."})', ["The last day lies before the first."]),
        ('raise Invalid({"last": N_("The last day lies before the first.")})', []),
        ('def unknown(names):\n    return "Choose one of: " + names', ["Choose one of: "]),
        ('text = f"Choose one of: {names}."', ["Choose one of: {}."]),
        ('text = _(f"Choose one of: {names}.")', ["Choose one of: {}."]),
        ('text = _("Choose one of: {names}.").format(names=names or "no name")', ["no name"]),
        ("text = f'{_(1)} {told or \"no longer valid\"}'", ["no longer valid"]),
        ('import pydantic\nraise ValueError("Write it in one line.")', ["Write it in one line."]),
        ('raise ValueError("it is of no use")', []),
        ('log.warning("answered late: %s", error)', []),
        ('"""What a module does."""\nA = 1\n"""What A is for."""', []),
        ('text = "of a file alone"  # untranslated: of a content file', []),
        ('# untranslated: of a content file\ntext = "of a file alone"\nmore = "of a page too"', ["of a page too"]),
        ("POLICY = \"default-src 'none'; style-src 'self'\"", []),
    ],
)
def test_a_text_in_python_is_found(source: str, found: list[str]) -> None:
    assert [one.text for one in untranslated.in_python(source, "x.py")] == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Nothing here.</p>", ["Nothing here."]),
        ('<p>{{ _("Nothing here.") }}</p>', []),
        ("<p>{% trans %}Nothing <b>here</b>.{% endtrans %}</p>", []),
        ("<p>{% trans n=n %}One{% pluralize %}{{ n }} of them{% endtrans %}</p>", []),
        ('<p class="two words">{{ name }} · </p>', []),
        ('<a href="?a={{ a }}&amp;b=1">CSV</a>', ["CSV"]),
        ('<a title="Close it" href="/">{{ name }}</a>', ["Close it"]),
        ('<a title="{{ _("Close it") }}" href="/">{{ name }}</a>', []),
        ('<td data-label="Name">{{ name }}</td>', ["Name"]),
        ("<input{% if a %} aria-describedby=\"{{ a }}\"{% endif %} placeholder='Your name'>", ["Your name"]),
        ('{{ forms.text("subject", "Subject", typed, class="wide one") }}', ["Subject"]),
        ('{{ forms.button("Send it." if a else _("Send")) }}', ["Send it."]),
        ('{% set names = {"a": "Failed", "b": _("Sent")} %}', ["Failed"]),
        ("{% block body_class %}desk{% endblock %}{% block title %}Desk{% endblock %}", ["Desk"]),
        ("<title>{{ title }} · onestop</title>", []),
    ],
)
def test_a_text_in_a_page_is_found(source: str, found: list[str]) -> None:
    assert [one.text for one in untranslated.in_template(source, "x.html")] == found


def test_a_text_in_a_mail_is_found_with_its_line() -> None:
    source = '{{ _("Hello,") }}\n\nYours\n{{ name }}'
    assert [str(one) for one in untranslated.in_template(source, "x.txt")] == [
        "x.txt:3: not marked for translation: 'Yours'"
    ]


def test_a_text_in_a_page_is_found_with_its_line() -> None:
    found = untranslated.in_template('<p>\n{{ _("Hello,") }}\n</p>\n<ul>\n\n<li>Yours\n</ul>', "x.html")
    assert [(one.line, one.text) for one in found] == [(6, "Yours")]


def test_the_check_of_the_catalogues_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = untranslated.Found("functions/x.py", 3, "Choose one of: ")
    monkeypatch.setattr(untranslated, "find", lambda: iter([planted]))
    assert str(planted) in list(catalogues.check())
