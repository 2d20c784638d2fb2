"""Every string in every language; and a check that sees what is wrong with a catalogue."""

from __future__ import annotations

import io

import pytest
from babel.messages import Message
from babel.messages.pofile import read_po

from infra import catalogues


def test_every_string_of_the_sources_is_translated_in_every_catalogue() -> None:
    assert list(catalogues.check()) == []


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('msgid "Hello {name}"\nmsgstr "Bonjour {name}"', None),
        ('msgid "Hello {name}"\nmsgstr ""', "untranslated"),
        ('msgid "Hello {name}"\nmsgstr "Bonjour {nom}"', "other placeholders"),
        ('#, fuzzy\nmsgid "Hello {name}"\nmsgstr "Bonjour {name}"', "fuzzy"),
        ('msgid "Bye"\nmsgstr "Au revoir"', "missing"),
    ],
)
def test_the_check_tells_what_a_translation_lacks(entry: str, fault: str | None) -> None:
    catalog = read_po(io.BytesIO(entry.encode()), locale="fr")
    source = read_po(io.BytesIO(b'msgid "Hello {name}"\nmsgstr ""'))["Hello {name}"]
    assert catalogues.fault_of(source, catalog.get("Hello {name}"), catalog.num_plurals) == fault


@pytest.mark.parametrize(
    ("forms", "fault"),
    [
        (["Un siège", "%(count)s sièges"], None),
        (["%(count)s siège", "%(count)s sièges"], None),
        (["Un siège", "Des sièges"], "other placeholders"),
        (["%(number)s siège", "%(count)s sièges"], "other placeholders"),
        (["Un siège", ""], "untranslated"),
    ],
)
def test_the_last_plural_form_must_name_the_number(forms: list[str], fault: str | None) -> None:
    identity = 'msgid "%(count)s seat"\nmsgid_plural "%(count)s seats"\n'
    strings = "\n".join(f'msgstr[{number}] "{form}"' for number, form in enumerate(forms))
    catalog = read_po(io.BytesIO((identity + strings).encode()), locale="fr")
    (message,) = (message for message in catalog if message.id)
    assert catalogues.fault_of(message, message, 2) == fault


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("Try again in {minutes} minutes.", True),
        ("within %(hours)s hours", True),
        ("%(count)s of %(total)s", True),
        ("at position %(position)s", False),
        ("Re: {reference}", False),
        (("%(hours)s hour", "%(hours)s hours"), False),
    ],
)
def test_a_number_of_things_needs_its_plural_forms(text: str | tuple[str, str], lacks: bool) -> None:
    assert catalogues.lacks_plural(Message(text)) is lacks
