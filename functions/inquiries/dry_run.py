"""Where an inquiry would go, under the rules in force or a draft of new ones; nothing is changed.

python -m functions.inquiries.dry_run [--rules draft.toml] inquiry.json     one inquiry, as the API takes it
python -m functions.inquiries.dry_run [--rules draft.toml] --history        which past inquiries would go elsewhere
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from pydantic import ValidationError

from functions.inquiries.casework.case import INQUIRIES, MESSAGES
from functions.inquiries.casework.models import Inquiry, InquiryRequest
from functions.inquiries.casework.route_inquiry import facts_of
from functions.inquiries.content.checks import check_rules
from functions.inquiries.content.models import Rule
from functions.inquiries.content.repository import Directory
from functions.inquiries.content.routing_rules import Decision, Facts, RuleSet
from functions.inquiries.toml_files import read
from shared.content_files import BadContent
from shared.ports import Store

PAGE = 200


class Moved(NamedTuple):
    """A past inquiry that the rules would send elsewhere. ``was`` and ``now``: the lead, then its supporters."""

    reference: str
    was: tuple[str, ...]
    now: tuple[str, ...]


def against_history(store: Store, rules: RuleSet) -> Iterator[Moved]:
    """Compare with where past inquiries were routed, in the order of their references. Erased ones are left out."""
    after = None
    while page := store.query(INQUIRIES, after=after, limit=PAGE):
        requests = store.get_many(MESSAGES, [f"{document.id}:request" for document in page])
        texts = {request.data["inquiry"]: request.data["text"] for request in requests}
        for document in page:
            inquiry = Inquiry.model_validate(document.data)
            if inquiry.explanation and not inquiry.erased_at:
                decision = rules.route(facts_of(inquiry, texts.get(document.id, "")))
                was = (inquiry.explanation["lead"], *sorted(inquiry.explanation["supporting"]))
                now = (decision.lead, *decision.supporting)
                if was != now:
                    yield Moved(document.id, was, now)
        after = page[-1].cursor()


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 1 where rules or inquiry cannot be read, which it says on stderr."""
    from shared.wiring import platform

    parser = argparse.ArgumentParser(prog="python -m functions.inquiries.dry_run", description=__doc__)
    parser.add_argument("--rules", type=Path, help="a draft set; default: the rules in force")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("inquiry", nargs="?", type=Path, help="JSON as POST /api/inquiries takes it")
    what.add_argument("--history", action="store_true", help="every past inquiry")
    options = parser.parse_args(arguments)
    here = platform()
    directory = Directory(here.store, here.clock)
    try:
        version, rules = _rules(directory, options.rules)
        if options.history:
            return _print_history(here.store, rules)
        decision = rules.route(_facts(options.inquiry, directory))
    except (BadContent, LookupError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    _print_decision(decision, version, directory.short_names)
    return 0


def _rules(directory: Directory, draft: Path | None) -> tuple[str, RuleSet]:
    """Raises ``BadContent`` for a draft with faults, ``LookupError`` where no rules are in force."""
    if draft is None:
        return directory.rule_set()
    rules = [cast(Rule, rule) for rule in read([draft]).items["rules"].values()]
    faults = check_rules(rules, directory.items())
    if faults:
        raise BadContent(faults)
    return str(draft), directory.compile(rules)


def _facts(path: Path, directory: Directory) -> Facts:
    """Of an inquiry as the form sends it; who sends it does not matter. Raises ``ValueError``."""
    anybody = {"given_name": "A", "family_name": "B", "email": "a@example.org", "consent": True, "subject": "-"}
    try:
        given = json.loads(path.read_text("utf-8"))
        request = InquiryRequest.model_validate({**anybody, "message": "-", "requester_type": "other", **given})
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        raise ValueError(f"{path}: {'.'.join(map(str, found['loc']))}: {found['msg']}") from None
    except (json.JSONDecodeError, TypeError) as error:
        raise ValueError(f"{path}: write one JSON object ({error})") from None
    if unknown := [topic for topic in request.topics if topic not in directory.topics]:
        raise ValueError(f"{path}: topics: there is no {unknown[0]!r}; one of {', '.join(directory.topics)}")
    return Facts(
        topics=request.topics,
        requester_type=request.requester_type,
        country=request.country,
        language=request.language,
        activity=request.activity,
        subject=request.subject,
        message=request.message,
        share_with=request.share_with,
    )


def _print_decision(decision: Decision, version: str, names: dict[str, str]) -> None:
    explanation = decision.explanation(version, names)
    print(explanation.summary(str))
    print(f"Queue {decision.queue or 'general'}, {decision.target_hours:g} working hours. Rules: {version}.\n")
    for finding, sentence in explanation.told(str):
        print(f"  {finding.title}\n      {sentence}")


def _print_history(store: Store, rules: RuleSet) -> int:
    count = 0
    for moved in against_history(store, rules):
        count += 1
        print(f"{moved.reference}  {', '.join(moved.was)}  ->  {', '.join(moved.now)}")
    print(f"{count} past inquiries would go elsewhere.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
