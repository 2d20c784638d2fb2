"""The inquiries slice behind its pages, its API and its events.

``Service`` only holds the parts together; each part owns one topic:

    content    organisations, staff, topics, activities, canned replies    content/repository.py
    requests   a request comes in; what its requester does with it later   casework/requester_actions.py
    finding    links once more, for whoever lost them                      casework/finding.py
    routing    an inquiry goes to its organisations                        casework/route_inquiry.py
    reading    lists, search, one inquiry: all that staff may see          casework/queries.py
    casework   take, hand over, answer, note                               casework/staff_actions.py
    endings    close, reopen, end one part, erase                          casework/endings.py
    inbound    mail that comes back                                        inbound_mail/receive.py
    deadlines  the clock: reminders, escalation, backlog                   casework/deadlines.py
"""

from __future__ import annotations

from functions.inquiries.casework.deadlines import Deadlines
from functions.inquiries.casework.endings import Endings
from functions.inquiries.casework.finding import Finding
from functions.inquiries.casework.queries import Reading
from functions.inquiries.casework.requester_actions import Requests
from functions.inquiries.casework.route_inquiry import Dispatch
from functions.inquiries.casework.staff_actions import Casework
from functions.inquiries.content.repository import Directory
from functions.inquiries.inbound_mail.receive import Inbound
from functions.inquiries.means import Means


class Service:
    """Args: what the platform gives; tests give a ``SqliteStore`` on a temporary path, folder files and a set clock."""

    def __init__(self, means: Means) -> None:
        self.content = Directory(means.store, means.clock)
        self.reading = Reading(means, self.content)
        self.requests = Requests(means, self.content)
        self.finding = Finding(means, self.content)
        self.routing = Dispatch(means, self.content)
        self.casework = Casework(means, self.content, self.reading)
        self.endings = Endings(means, self.content, self.reading)
        self.inbound = Inbound(means, self.content)
        self.deadlines = Deadlines(means, self.content)
