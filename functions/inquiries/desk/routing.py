"""Dry run: where an inquiry would go, under the rules in force or a draft of new ones."""

from __future__ import annotations

import re
import tomllib

from flask import Response
from pydantic import ValidationError

from functions.inquiries.content.models import SHARE_WITH_ALL, Rule
from functions.inquiries.content.routing_rules import BadRules, Decision, Facts, check_examples, check_words
from functions.inquiries.desk.inquiry_list import names
from functions.inquiries.services import Service
from shared.contracts.inquiries import Explanation
from shared.web.problems import Gettext, message_of
from shared.web.returned import Returned
from shared.web.site import Site
from shared.web.visit import Visit

FIELDS = ("subject", "message", "requester_type", "country", "language", "activity", "share_with", "rules")
MAX_DOTS = 100  # in one line: what a dotted key costs grows with the square of its parts
_PLACE = re.compile(r"at line (?P<line>\d+), column (?P<column>\d+)")  # in what tomllib says


class BadDraft(Exception):
    """The draft is no set of rules; the text says where and why, in the reader's language."""


def register(site: Site, service: Service) -> None:
    """Put ``/desk/routing`` on ``site``: the form that tries rules on facts (GET, POST); it stores nothing."""

    @site.route("/desk/routing", may="routing.try")
    def form(visit: Visit) -> Response:
        return _page(visit, service, None, "", [])

    def show_again(visit: Visit, back: Returned) -> Response:
        return _page(visit, service, None, next(iter(back.errors.values()), ""), [], back.status)

    @site.route("/desk/routing", "POST", may="routing.try", again=show_again)
    def run(visit: Visit) -> Response:
        _, draft = visit.gettext, visit.request.form.get("rules", "")
        try:
            version, rules = (_("draft"), _read(draft, _)) if draft.strip() else service.content.rules()
            rule_set = service.content.compile(rules)
            decision = rule_set.route(_facts(visit))
        except BadRules as error:
            return _page(visit, service, None, error.told(_), [])
        except BadDraft as error:
            return _page(visit, service, None, str(error), [])
        except LookupError:
            return _page(visit, service, None, _("No rules are in force yet."), [])
        faults = [f"{key}: {fault}" for key, fault in check_examples(rules, rule_set, _)]
        return _page(visit, service, _explained(service, version, decision), "", faults)


def _page(
    visit: Visit,
    service: Service,
    explanation: Explanation | None,
    error: str,
    faults: list[str],
    status: int = 422,
) -> Response:
    _ = visit.gettext
    return visit.page(
        "desk_routing.html",
        status if error else 200,
        typed={name: visit.request.form.get(name, "") for name in FIELDS},
        chosen=visit.request.form.getlist("topics[]"),
        explanation=explanation,
        summary=explanation.summary(_) if explanation else "",
        findings=explanation.told(_) if explanation else [],
        error=error,
        faults=faults,
        activities=service.content.activities,
        **names(visit, service),
    )


def _facts(visit: Visit) -> Facts:
    form = visit.request.form
    return Facts(
        topics=form.getlist("topics[]"),
        requester_type=form.get("requester_type", ""),
        country=form.get("country", ""),
        language=form.get("language", "") or "en",
        activity=form.get("activity") or None,
        subject=form.get("subject", ""),
        message=form.get("message", ""),
        share_with=form.get("share_with") or SHARE_WITH_ALL,
    )


def _read(draft: str, _: Gettext) -> list[Rule]:
    """The rules of a TOML text. Raises ``BadDraft``."""
    if any(line.count(".") > MAX_DOTS for line in draft.split("\n")):
        raise BadDraft(_("A line of it has too many dots."))
    try:
        entries = tomllib.loads(draft).get("rules")
    except RecursionError:
        raise BadDraft(_("Lists or tables are nested too deeply in it.")) from None
    except ValueError as error:
        place = _PLACE.search(str(error))
        where = place.groupdict() if place else {}
        told = _("It is not valid TOML, from line {line}, character {column}.") if where else _("It is not valid TOML.")
        raise BadDraft(told.format(**where)) from None
    if not isinstance(entries, list):
        raise BadDraft(_("Write each rule as a table [[rules]]."))
    rules = []
    for number, entry in enumerate(entries, 1):
        try:
            rules.append(Rule.model_validate(entry))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join([f"rules[{number}]", *(str(part) for part in first["loc"])])
            raise BadDraft(f"{key}: {message_of(first, _)}") from None
    for key, fault in check_words(rules, _):
        raise BadDraft(f"{key}: {fault}")
    return rules


def _explained(service: Service, version: str, decision: Decision) -> Explanation:
    return decision.explanation(version, service.content.short_names)
