"""Where an inquiry goes, and why. Pure functions: the same facts and rules give the same decision, anywhere.

Rules are tried by priority (lower first), then by id; neither their order in files nor that of an inquiry's topics
matters. The first that matches names lead, queue and target; each other that matches adds its lead and supporters as
supporters; the default counts when no other matches. A requester who shares with one organisation has it lead alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from functions.inquiries.content.models import SHARE_WITH_ALL, Example, Rule
from shared.contracts.inquiries import Explanation, Finding, Outcome
from shared.formats.words import in_pairs, plain_words, unspaced
from shared.text import N_

ANY = "*"  # before or after a rule's word: whatever the word begins or ends with there
MIN_STEM, MIN_STEM_IN_PAIRS = 3, 2  # letters beside an ANY; two of those that are searched in pairs say enough


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may ask of an inquiry."""

    topics: Collection[str]
    requester_type: str
    country: str
    language: str
    activity: str | None
    subject: str
    message: str
    share_with: str = SHARE_WITH_ALL


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation's queue (empty: its first) and its target in working hours."""

    queue: str
    target_hours: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Where an inquiry goes, and what every rule said to it."""

    lead: str
    supporting: tuple[str, ...]
    places: dict[str, Place]  # by organisation: the lead and all supporters
    findings: tuple[Finding, ...]  # one for each rule, in the order in which they were tried
    confined: bool

    @property
    def queue(self) -> str:
        """The lead's."""
        return self.places[self.lead].queue

    @property
    def target_hours(self) -> float:
        """The lead's, in hours of its working time."""
        return self.places[self.lead].target_hours

    def explanation(self, rules_version: str, names: dict[str, str]) -> Explanation:
        """As it is stored and shown; ``names`` are short ones by organisation, ``rules_version`` the set's."""
        return Explanation(
            rules_version=rules_version,
            lead=self.lead,
            supporting=list(self.supporting),
            queue=self.queue,
            target_hours=self.target_hours,
            confined_to=self.lead if self.confined else None,
            findings=list(self.findings),
            names=names,
        )


class _Features:
    """An inquiry as conditions look at it; words are made out only where a rule asks for them."""

    def __init__(self, facts: Facts) -> None:
        self.topics = frozenset(facts.topics)
        self.requester_types = facts.requester_type
        self.countries = facts.country.upper()
        self.languages = frozenset((facts.language.lower(), facts.language.lower().split("-")[0]))
        self.activities = facts.activity
        self._text = f"{facts.subject}\n{facts.message}"
        self._words: tuple[frozenset[str], str] | None = None

    @property
    def words(self) -> tuple[frozenset[str], str]:
        """The single words, and all of them in order between blanks, for phrases."""
        if self._words is None:
            words = plain_words(self._text)
            self._words = frozenset(words), f" {' '.join(words)} "
        return self._words


class BadRules(ValueError):
    """These rules are no set that decides everything."""

    def __init__(self, message: str, **values: str) -> None:
        self._message, self._values = message, values
        super().__init__(self.told(str))

    def told(self, gettext: Gettext) -> str:
        """What is wrong, in the language of ``gettext``."""
        return gettext(self._message).format(**self._values)


Test = Callable[[_Features], bool]
Gettext = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _CompiledRule:
    rule: Rule
    tests: tuple[tuple[Test, Finding], ...]  # each with what is said where it fails


class RuleSet:
    """Rules made ready to decide quickly: conditions are sets, and what a failed one says is written once.

    Raises ``BadRules`` unless there is exactly one default and every id and country group is unique and known.
    """

    def __init__(self, rules: Iterable[Rule], country_groups: Mapping[str, Collection[str]]) -> None:
        ordered = sorted(rules, key=lambda rule: (rule.default, rule.priority, rule.id))
        if [rule.default for rule in ordered].count(True) != 1:
            raise BadRules(N_("Exactly one rule must have “default = true”: it takes what no other rule matches."))
        twice = {rule.id for rule in ordered if sum(other.id == rule.id for other in ordered) > 1}
        if twice:
            raise BadRules(N_("Several rules have the id “{id}”. Give each its own."), id=min(twice))
        self._rules = [_CompiledRule(rule, tuple(_tests(rule, country_groups))) for rule in ordered]

    def route(self, facts: Facts) -> Decision:
        """Every rule is tried; a default only where none before it matched."""
        features = _Features(facts)
        findings: list[Finding] = []
        matched: list[tuple[int, Rule]] = []  # with the place of its finding
        for compiled in self._rules:
            if compiled.rule.default and matched:
                findings.append(_finding(compiled.rule, "not_needed"))
                continue
            for test, failure in compiled.tests:
                if not test(features):
                    findings.append(failure)
                    break
            else:
                matched.append((len(findings), compiled.rule))
                findings.append(_finding(compiled.rule, "set_aside"))
        if facts.share_with != SHARE_WITH_ALL:
            return _confined(facts.share_with, [rule for _, rule in matched], findings)
        return _shared(matched, findings)


def _shared(matched: Sequence[tuple[int, Rule]], findings: list[Finding]) -> Decision:
    first = matched[0][1]
    places: dict[str, Place] = {}
    for index, rule in matched:
        named = [(rule.lead, Place(rule.queue, rule.target_hours))]
        named += [(id, Place("", first.target_hours)) for id in rule.supporting]
        adds = [(id, place) for id, place in dict(reversed(named)).items() if id not in places]
        adds.sort(key=lambda pair: (pair[0] != rule.lead, pair[0]))
        places.update(adds)
        outcome: Outcome = "leads" if rule is first else "supports"
        findings[index] = findings[index].model_copy(update={"outcome": outcome, "adds": [id for id, _ in adds]})
    supporting = tuple(sorted(set(places) - {first.lead}))
    return Decision(first.lead, supporting, places, tuple(findings), False)


def _confined(organisation: str, matched: Sequence[Rule], findings: list[Finding]) -> Decision:
    """The requester's choice binds. A rule of that organisation that matches still names queue and target."""
    own = next((rule for rule in matched if rule.lead == organisation), None)
    place = Place(own.queue, own.target_hours) if own else Place("", matched[0].target_hours)
    return Decision(organisation, (), {organisation: place}, tuple(findings), True)


def _finding(rule: Rule, outcome: Outcome) -> Finding:
    return Finding.model_construct(rule=rule.id, title=rule.title, outcome=outcome, condition=None, wanted=[], adds=[])


def _tests(rule: Rule, country_groups: Mapping[str, Collection[str]]) -> Iterator[tuple[Test, Finding]]:
    """The conditions that the rule gives, in a fixed order, cheap ones first."""
    when = rule.when

    def failure(condition: str, wanted: Sequence[str]) -> Finding:
        return Finding(rule=rule.id, title=rule.title, outcome="failed", condition=condition, wanted=list(wanted))

    if when.topics:
        topics = frozenset(when.topics)
        yield lambda it: not topics.isdisjoint(it.topics), failure("topics", when.topics)
    if when.requester_types:
        types = frozenset(when.requester_types)
        yield lambda it: it.requester_types in types, failure("requester_types", when.requester_types)
    if when.countries or when.country_groups:
        unknown = [group for group in when.country_groups if group not in country_groups]
        if unknown:
            raise BadRules(N_("The rule “{id}” names an unknown country group: {name}."), id=rule.id, name=unknown[0])
        countries = frozenset(when.countries).union(*(country_groups[group] for group in when.country_groups))
        yield lambda it: it.countries in countries, failure("countries", [*when.countries, *when.country_groups])
    if when.languages:
        languages = frozenset(language.lower() for language in when.languages)
        yield lambda it: not languages.isdisjoint(it.languages), failure("languages", when.languages)
    if when.activities:
        activities = frozenset(when.activities)
        yield lambda it: it.activities in activities, failure("activities", when.activities)
    if when.words:
        yield _word_test(when.words), failure("words", when.words)


def _word_test(wanted: Sequence[str]) -> Test:
    """Phrases are looked for only where their first word is among the words; all looking is linear in the text."""
    single: set[str] = set()
    phrases: list[tuple[str, str]] = []  # first word, phrase between blanks
    inside: list[str] = []  # with a blank at each end where a word must begin or end
    for one in wanted:
        words = plain_words(one)
        if not words:
            continue
        text = " ".join(words)
        open_left, open_right = one.lstrip().startswith(ANY), one.rstrip().endswith(ANY)
        if open_left or open_right or unspaced(text[0]) or unspaced(text[-1]):
            left = "" if open_left or unspaced(text[0]) else " "
            right = "" if open_right or unspaced(text[-1]) else " "
            inside.append(f"{left}{text}{right}")
        elif len(words) == 1:
            single.add(text)
        else:
            phrases.append((words[0], f" {text} "))

    def test(it: _Features) -> bool:
        words, text = it.words
        if not single.isdisjoint(words):
            return True
        for first, phrase in phrases:  # a loop: any() would make a generator for each rule of each decision
            if first in words and phrase in text:
                return True
        return any(one in text for one in inside) if inside else False

    return test


def check_words(rules: Iterable[Rule], _: Gettext = str) -> Iterator[tuple[str, str]]:
    """Words that would match nothing or too much, as ``(key, what is wrong)`` in the language of ``_``."""
    for rule in rules:
        for number, word in enumerate(rule.when.words, 1):
            if fault := _fault_of_word(word.strip()):
                sentence, values = fault
                yield f"{rule.id}.when.words[{number}]", _(sentence).format(word=word, any=ANY, **values)


def _fault_of_word(wanted: str) -> tuple[str, dict[str, object]] | None:
    """What is wrong with a rule's word and how to mend it, and what the sentence names."""
    words = plain_words(wanted)
    if not words:
        return N_("“{word}” has no letter and no digit, so nothing would match it. Write a word, or remove it."), {}
    if ANY in wanted.removeprefix(ANY).removesuffix(ANY):
        return N_("“{word}”: {any} may stand once before the first letter and once after the last, nowhere else."), {}
    stems = [words[0]] * wanted.startswith(ANY) + [words[-1]] * wanted.endswith(ANY)
    for stem in stems:
        least = MIN_STEM_IN_PAIRS if in_pairs(stem) else MIN_STEM
        if len(stem) < least:
            sentence = N_("“{word}” would match too much. Beside {any} at least this many letters must stand: {least}.")
            return sentence, {"least": least}
    return None


def facts_of(example: Example) -> Facts:
    """The facts that an example states."""
    names = ("topics", "requester_type", "country", "language", "activity", "subject", "message", "share_with")
    return Facts(**{name: getattr(example, name) for name in names})


def check_examples(rules: Sequence[Rule], rule_set: RuleSet, _: Gettext = str) -> Iterator[tuple[str, str]]:
    """Examples that do not go where they say, as ``(key, what is wrong)``: a rule's example must reach that rule."""
    for rule in rules:
        for number, example in enumerate(rule.examples, 1):
            decision = rule_set.route(facts_of(example))
            finding = next(finding for finding in decision.findings if finding.rule == rule.id)
            if fault := _fault_of_example(example, finding, decision, _):
                yield f"{rule.id}.examples[{number}]", fault


def _fault_of_example(example: Example, finding: Finding, decision: Decision, _: Gettext) -> str | None:
    if finding.outcome in ("failed", "not_needed"):
        reason = finding.sentence(_, {})
        return _("It does not reach this rule. {reason} Mend the example or the conditions.").format(reason=reason)
    if decision.lead != example.lead:
        differs = _("It says lead = “{said}”, but “{got}” leads.").format(said=example.lead, got=decision.lead)
        return f"{differs} {_why(decision, _)}"
    if example.supporting is not None and set(example.supporting) != set(decision.supporting):
        differs = _("It says supporting = {said}, but they are {got}. Mend the example or the rules.")
        return differs.format(said=sorted(example.supporting), got=list(decision.supporting))
    if example.queue is not None and example.queue != decision.queue:
        differs = _("It says queue = “{said}”, but it goes to “{got}”.").format(said=example.queue, got=decision.queue)
        return f"{differs} {_why(decision, _)}"
    return None


def _why(decision: Decision, _: Gettext) -> str:
    if decision.confined:
        return _("The example's share_with names that organisation.")
    first = next(finding for finding in decision.findings if finding.outcome == "leads")
    return _("The rule “{id}” matches first: mend the example, or the priorities.").format(id=first.rule)
