"""The list of inquiries for a spreadsheet, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from functions.inquiries import labels
from functions.inquiries.casework.models import Assignment
from shared import languages
from shared.ports import utc_text


class Export:
    """A header, and a row for each part of an organisation.

    Args:
        names: what ids are called in the reader's language, ``topics`` and ``queues`` (``desk_lists.names``).
    """

    def __init__(self, _: labels.Gettext, language: str, names: Mapping[str, Mapping[str, str]]) -> None:
        self._language, self._topics, self._queues = language, names["topics"], names["queues"]
        self._states, self._parts, self._late = labels.states(_), labels.parts(_), {True: _("Yes"), False: _("No")}
        self.header = [
            _("Reference"),
            _("State"),
            _("Part"),
            _("Queue"),
            _("Assigned to"),
            _("Late"),
            _("Subject"),
            _("Requester"),
            _("Country"),
            _("Language"),
            _("Topics"),
            _("Received (UTC)"),
            _("Target (UTC)"),
            _("Answered (UTC)"),
            _("Changed (UTC)"),
        ]

    def rows(self, parts: Iterable[Assignment]) -> Iterator[list[object]]:
        """One for each part, its columns as in ``header``; times in UTC, "" where there is none."""
        for part in parts:
            times = (part.received_at, part.due_at, part.answered_at, part.updated_at)
            yield [
                part.inquiry,
                self._states[part.state],
                self._parts[part.part],
                self._queues.get(f"{part.organisation}/{part.queue}", part.queue),
                part.assignee,
                self._late[part.late],
                part.subject,
                part.requester,
                languages.country_name(part.country, self._language, [part.organisation]),
                languages.name(part.language, self._language),
                ", ".join(self._topics.get(topic, topic) for topic in part.topics),
                *(utc_text(time) if time else "" for time in times),
            ]
