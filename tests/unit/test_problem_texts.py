"""What pydantic finds is told in our words, which the catalogues have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from shared.fields import Country, Line, Prose
from shared.web.problems import field_errors


class Form(BaseModel):
    line: Line = "x"
    prose: Prose = "x"
    kind: Literal["a", "b", "c"] = "a"
    many: list[str] = Field(default=[], max_length=2)
    some: list[str] = Field(default=["x"], min_length=1)
    number: int = Field(default=1, ge=1, le=9)
    hours: Annotated[float, Field(gt=0)] = 1.0
    agreed: bool = True
    country: Country = "KE"
    moment: Any = None
    strange: Annotated[str, Field(pattern="^x$")] = "x"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("line", "", "This field is required."),
        ("prose", " ", "This field is required."),
        ("prose", "x" * 20_001, "Too long: at most 20000 characters."),
        ("kind", "", "This field is required."),
        ("kind", "d", "Choose one of: a, b, c."),
        ("many", ["x"] * 3, "Too many: at most 2."),
        ("some", [], "Too few: at least 1."),
        ("number", "", "This field is required."),
        ("number", "x", "This must be a whole number."),
        ("number", 0, "Too small: at least 1."),
        ("number", 10, "Too large: at most 9."),
        ("hours", 0, "Too small: more than 0.0."),
        ("agreed", "perhaps", "This must be true or false."),
        ("country", "XX", "Choose a country from the list (in the API: two letters, ISO 3166-1 alpha-2)."),
        ("strange", "y", "This is not written as it must be."),
    ],
)
def test_a_finding_is_told_in_our_words(field: str, value: Any, told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Form.model_validate({field: value})
    (error,) = field_errors(caught.value, str)
    assert (error.field, error.message) == (field, told)


def test_every_finding_is_asked_of_the_catalogue() -> None:
    """Whatever pydantic can find: nothing of its own English comes through."""
    with pytest.raises(ValidationError) as caught:
        Form.model_validate({"line": 1, "prose": None, "kind": 1, "many": 1, "number": [], "agreed": [], "country": 1})
    asked: list[str] = []

    def gettext(text: str) -> str:
        asked.append(text)
        return f"<{text}>"

    assert all(error.message.startswith("<") for error in field_errors(caught.value, gettext))
