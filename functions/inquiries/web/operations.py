"""What the API of activities and inquiries takes and answers."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from functions.inquiries.casework.models import InquiryRequest
from functions.inquiries.content.models import Activity, ActivityKind, RequesterType
from functions.inquiries.files import attachments
from shared.text import N_
from shared.web.guards.form_guard import PROGRAM_HEADERS, TOO_MANY
from shared.web.openapi import Form, Operation

TAG = N_("Activities and inquiries")
MAX_PAGE = 99_999


class ActivityQuery(BaseModel, defer_build=True):
    """What follows the ``?`` of ``GET /api/activities``."""

    organisation: str | None = Field(default=None, description=N_("Of this organisation, by its id."))
    topic: str | None = Field(default=None, description=N_("On this topic, by its id."))
    kind: ActivityKind | None = Field(default=None, description=N_("Of this kind."))
    audience: RequesterType | None = Field(default=None, description=N_("For people of this kind."))
    q: Annotated[str, Field(max_length=200)] = Field(
        default="", description=N_("Words of the title, the summary or a topic, or their beginnings.")
    )
    page: Annotated[int, Field(ge=1, le=MAX_PAGE)] = Field(default=1, description=N_("Which page; the first is 1."))


class PublicActivity(Activity):
    """An activity as other sites may show it."""

    page: str = Field(description=N_("The address of its page."), json_schema_extra={"format": "uri"})


class ActivityPage(BaseModel, defer_build=True):
    """One page of the list."""

    activities: list[PublicActivity]
    next: str | None = Field(
        description=N_("The address of the next page; null on the last."), json_schema_extra={"format": "uri"}
    )


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(N_("Give the file in base64.")) from None
    return text


class ApiAttachment(BaseModel, defer_build=True):
    name: str
    content: Annotated[
        str, AfterValidator(_base64), WithJsonSchema({"type": "string", "contentEncoding": "base64"})
    ] = Field(description=N_("The file in base64 (RFC 4648, section 4)."))

    @property
    def data(self) -> bytes:
        """The file's bytes."""
        return base64.b64decode(self.content)


class ApiInquiry(InquiryRequest):
    """The body of ``POST /api/inquiries``."""

    attachments: list[ApiAttachment] = Field(default=[], json_schema_extra={"maxItems": attachments.MAX_FILES})


class Accepted(BaseModel, defer_build=True):
    """The answer to an accepted request."""

    reference: str
    links: dict[str, str] = Field(description=N_("The requester's own page, to be given to nobody else."))


LIST = Operation(
    "listActivities",
    "GET",
    "/api/activities",
    TAG,
    N_("List what the organisations offer, dated activities first"),
    ActivityPage,
    query=ActivityQuery,
)
SHOW = Operation(
    "getActivity",
    "GET",
    "/api/activities/{activity}",
    TAG,
    N_("Show one activity"),
    PublicActivity,
    parts={"activity": N_("The activity's `id`.")},
    problems={404: N_("There is no such activity.")},
)
SEND = Operation(
    "sendInquiry",
    "POST",
    "/api/inquiries",
    TAG,
    N_("Send a request to the organisations"),
    Accepted,
    201,
    description=N_(
        "It goes to the organisations that work on its topics, or to the one that `share_with` names. The form of "
        "another site may post here too: the browser is led to the requester's page, or to our own form, filled in, "
        "where something is missing."
    ),
    body=ApiInquiry,
    form=Form(InquiryRequest, files="attachments", strict=False),
    example={
        "given_name": "Amina",
        "family_name": "Diallo",
        "email": "amina.diallo@ministry.example",
        "country": "SN",
        "requester_type": "government",
        "subject": "Advice on buying health products",  # untranslated: an example
        "message": "Which training do you offer to procurement officers?",  # untranslated: an example
        "consent": True,
    },
    headers=PROGRAM_HEADERS,
    problems={429: TOO_MANY},
)
OPERATIONS = (LIST, SHOW, SEND)
