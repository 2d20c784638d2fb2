"""Events about visitors who are not registered and have not asked anything yet."""

from __future__ import annotations

from typing import ClassVar

from shared.contracts.bus_events import Payload


class AddressCodeRequested(Payload):
    """A visitor without JavaScript sends a form in busy times: ``code`` shows that the address is theirs."""

    email: str
    language: str  # BCP 47
    code: str  # AB2C-DE3F


class RegistrationCodeRequested(AddressCodeRequested):
    """On a form of an event."""

    type: ClassVar[str] = "registration.address_code_requested"
    topic: ClassVar[str] = "registrations"


class InquiryCodeRequested(AddressCodeRequested):
    """On the contact form."""

    type: ClassVar[str] = "inquiry.address_code_requested"
    topic: ClassVar[str] = "inquiries"
