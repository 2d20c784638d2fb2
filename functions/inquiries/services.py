"""The inquiries slice behind its pages, its API and its events.

``Service`` only holds the parts together; each part owns one topic:

    content    organisations, staff, topics, activities, canned replies    directory.py
    requests   a request comes in; what its requester does with it later   requests.py
    finding    links once more, for whoever lost them                      finding.py
    routing    an inquiry goes to its organisations                        dispatch.py (the rules: routing.py)
    reading    lists, search, one inquiry: all that staff may see          reading.py
    casework   take, hand over, answer, note                               casework.py
    endings    close, reopen, end one part, erase                          endings.py
    inbound    mail that comes back                                        inbound.py
    deadlines  the clock: reminders, escalation, backlog                   deadlines.py
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
