"""Content files: what is wrong is named with file, key and mend; what is right goes in and out unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions.inquiries import dry_run, toml_files
from functions.inquiries.content.models import Rule
from shared import settings, wiring
from shared.ports import Replace
from tests.functions.inquiry_world import World, samples


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def faults(folder: Path, name: str, text: str, world: World | None = None) -> list[str]:
    """What reading (and with a world: importing) a file complains of."""
    path = folder / name
    path.write_text(text, "utf-8")
    try:
        new = toml_files.read([path])
        if world:
            toml_files.import_into(world.store, new, world.clock.now())
    except toml_files.BadContent as error:
        return error.faults
    return []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[topics]]\nid = 'x'\nname = {fr = 'Bonjour'}", "f.toml: topics[1] (x): name: the English text is missing"),
        ("[[topics]]\nid = 'Big X'\nname = {en = 'X'}", "id: must be lower case letters, digits and hyphens"),
        ("[[topics]]\nid = 'x'", "f.toml: topics[1] (x): name: is missing; add it"),
        ("[[topics]]\nid = 'x'\nname = {en = 'X'}\ncolour = 1", "colour: is not known here"),
        ("[[tropics]]\nid = 'x'", "f.toml: tropics: not known here"),
        ("[[topics]\n", "not valid TOML"),
        ("[[topics]]\nid='x'\nname={en='X'}\n[[topics]]\nid='x'\nname={en='X'}", "topics[2] (x): id: there is another"),
        (
            "[[country_groups]]\nid='x'\nname={en='X'}\nsource='s'\nas_of=2024-01-01\ncountries=['KE','XX']",
            "countries[2]: Choose a country from the list",
        ),
    ],
)
def test_a_fault_names_file_entry_key_and_mend(tmp_path: Path, text: str, told: str) -> None:
    assert told in faults(tmp_path, "f.toml", text)[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[topics]]\nid='x'\nname={en='X'}\norganisations=['fao']", "there is no 'fao' among the organisations"),
        (
            "[[country_groups]]\nid='wto-members'\nname={en='X'}\nsource='s'\nas_of=2024-01-01\ncountries=['KE']",
            "f.toml: country_groups (wto-members): stands in countries.toml; give yours another id",
        ),
        (
            "[[staff]]\nemail='a@who.example'\nname='A'\norganisation='who'\nrole='officer'\nlanguages=['en']\n"
            "queues=['trips']",
            "who has no queue 'trips'; it has general",
        ),
        (
            "[[rules]]\nid='all'\ntitle='All'\ndefault=true\nlead='who'\nqueue='general'\ntarget_hours=8\n"
            "[[rules.examples]]\nlead='wto'",
            "rules (all): examples[1]: It says lead = “wto”, but “who” leads",
        ),
        (
            "[[rules]]\nid='x'\ntitle='X'\nwhen={topics=['transparency']}\nlead='who'\nqueue='general'\ntarget_hours=8\n"
            "[[rules.examples]]\ntopics=['transparency']\nlead='who'",
            "Exactly one rule must have “default = true”",
        ),
        (
            "[[rules]]\nid='x'\ntitle='X'\nwhen={words=['tender','a*']}\nlead='who'\nqueue='general'\ntarget_hours=8\n"
            "[[rules.examples]]\nlead='who'\nsubject='a b'\n"
            "[[rules]]\nid='all'\ntitle='All'\ndefault=true\nlead='who'\nqueue='general'\ntarget_hours=8\n"
            "[[rules.examples]]\nlead='who'",
            "rules (x): when.words[2]: “a*” would match too much. Beside * at least this many letters must stand: 3",
        ),
        (
            "[[rules]]\nid='all'\ntitle='All'\ndefault=true\nlead='rare'\nqueue='q'\ntarget_hours=2000\n"
            "[[rules.examples]]\nlead='rare'\n"
            "[[staff]]\nemail='a@rare.example'\nname='A'\norganisation='rare'\nrole='focal_point'\nlanguages=['en']\n"
            "[[organisations]]\nid='rare'\nname={en='R'}\nshort_name='R'\ntimezone='UTC'\n"
            "focal_point='a@rare.example'\nqueues=[{id='q',name={en='Q'}}]\n"
            "working_hours={monday=[{from=09:00:00,to=12:00:00}]}",
            "rules (all): target_hours: 2000 hours take 667 weeks at rare, which works 3 hours a week; at most 312 fit",
        ),
        (
            "[[staff]]\nemail='a@rare.example'\nname='A'\norganisation='rare'\nrole='focal_point'\nlanguages=['en']\n"
            "[[organisations]]\nid='rare'\nname={en='R'}\nshort_name='R'\ntimezone='UTC'\n"
            "focal_point='a@rare.example'\nqueues=[{id='q',name={en='Q'}}]\n"
            "working_hours={monday=[{from=09:00:00,to=12:00:00},{from=11:00:00,to=13:00:00}]}",
            'working_hours.monday: some of these hours overlap and would count twice; write [{ from = "09:00", to',
        ),
    ],
)
def test_what_an_entry_says_of_others_must_be_so(world: World, tmp_path: Path, text: str, told: str) -> None:
    before = toml_files.stored_rules(world.store)
    assert told in faults(tmp_path, "f.toml", text, world)[0]
    assert toml_files.stored_rules(world.store) == before


def test_what_goes_out_comes_in_unchanged(world: World, tmp_path: Path) -> None:
    written = toml_files.export(world.store, tmp_path / "out")
    assert {path.stem for path in written} == set(toml_files.MODELS) - {"country_groups"}
    again = toml_files.read(written)
    assert again.items == samples().items
    assert toml_files.import_into(world.store, again, world.clock.now()) == 0


def test_rules_are_versions_and_the_order_of_the_file_makes_none(world: World) -> None:
    version, rules = toml_files.stored_rules(world.store)
    turned = toml_files.Collected()
    for rule in reversed(rules):
        turned.add("rules", rule, "rules.toml")
    assert toml_files.import_into(world.store, turned, world.clock.now()) == 0
    changed = toml_files.Collected()
    for rule in rules:
        changed.add("rules", rule.model_copy(update={"title": "Another title"}), "rules.toml")
    toml_files.import_into(world.store, changed, world.clock.now())
    assert toml_files.stored_rules(world.store)[0] != version
    assert world.store.get("rule_sets", version), "inquiries name the version that routed them"


def test_a_dry_run_tells_which_past_inquiries_would_go_elsewhere(world: World) -> None:
    stays, moves = world.routed(topics=["dispute-resolution"]), world.routed(topics=["local-production"])
    rules = toml_files.stored_rules(world.store)[1]
    draft: list[Rule] = [
        rule.model_copy(update={"lead": "wto", "queue": "general"}) if rule.id == "local-production" else rule
        for rule in rules
    ]
    rule_set = world.service.content.compile(draft)
    assert list(dry_run.against_history(world.store, rule_set)) == [dry_run.Moved(moves, ("who",), ("wto",))]
    assert world.inquiry(stays).lead == "wipo"
    assert world.inquiry(moves).lead == "who", "a dry run changes nothing"


@pytest.mark.parametrize(
    ("inquiry", "fault"),
    [
        ('{"country": "KE", "topics": ["nope"]}', "topics: there is no 'nope'"),
        ('{"topics": []}', "country: "),
        ("[]", "write one JSON object"),
        ("topics", "write one JSON object"),
    ],
)
def test_a_dry_run_of_what_is_no_inquiry_names_the_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], inquiry: str, fault: str
) -> None:
    here = wiring.build(settings.from_environment({"ONESTOP_DATA": str(tmp_path / "data")}))
    toml_files.import_into(here.store, samples(), here.clock.now())
    monkeypatch.setattr(wiring, "platform", lambda: here)
    (tmp_path / "inquiry.json").write_text(inquiry)
    assert dry_run.main([str(tmp_path / "inquiry.json")]) == 1
    assert fault in capsys.readouterr().err


def test_days_away_entered_at_the_desk_outlive_an_import(world: World) -> None:
    person = world.store.query("staff", limit=1)[0]
    away = {**person.data, "absent_from": "2026-12-01", "absent_until": "2026-12-14"}
    world.store.commit([Replace("staff", person.id, away, person.version)])
    toml_files.import_into(world.store, samples(), world.clock.now())
    kept = world.store.get("staff", person.id)
    assert kept
    assert (kept.data["absent_from"], kept.data["absent_until"]) == ("2026-12-01", "2026-12-14")


def test_rules_are_not_blamed_for_one_that_cannot_be_read(tmp_path: Path, world: World) -> None:
    """The default that is missing, and examples that go elsewhere, follow from the fault that is told."""
    rule = "[[rules]]\nid='{}'\ntitle='X'\nlead='who'\nqueue='general'\ntarget_hours=8\n{}\n"
    rule += "[[rules.examples]]\nlead='who'\n"
    default = rule.format("all", "default=true\ncolour=1")
    other = rule.format("x", "when={words=['a*']}") + rule.format("y", "when={topics=['nothing']}")
    (tmp_path / "f.toml").write_text(default + other)
    new = toml_files.collect([tmp_path / "f.toml"], True)
    with pytest.raises(toml_files.BadContent) as raised:
        toml_files.check_with(toml_files.stored(world.store), new)
    told = [fault.partition(": rules")[2] for fault in raised.value.faults]
    assert [fault.partition(":")[0] for fault in told] == ["[1] (all)", " (y)", " (x)"], told
