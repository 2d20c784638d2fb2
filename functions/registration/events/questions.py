"""What an event asks of its participants, and answers checked against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from shared.documents import Strict
from shared.fields import NOT_LISTED, REQUIRED, TOO_LONG, Localised, Slug, printable_line, printable_prose
from shared.text import N_

MAX_ANSWER = 2000  # characters


class Option(Strict):
    id: Slug
    label: Localised


class Question(Strict):
    """One more thing an event asks. Answers: text, an option's id, a list of ids, or true/false, by ``kind``."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    label: Localised
    hint: Localised | None = None
    kind: Literal["text", "long_text", "choice", "choices", "yes_no"] = "text"
    required: bool = False
    options: list[Option] = []


def check_answers(questions: Sequence[Question], answers: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Answers in their stored form, and errors (English, for gettext) by the question's id. ``{max_length}`` in them is
    ``MAX_ANSWER``."""
    kept: dict[str, Any] = {}
    errors: dict[str, str] = {}
    known = {question.id: question for question in questions}
    for unknown in answers.keys() - known.keys():
        errors[unknown] = N_("This event does not ask that. Remove it.")
    for id, question in known.items():
        answer = answers.get(id)
        if answer is None or answer is False or answer == [] or (isinstance(answer, str) and not answer.strip()):
            if question.required:
                errors[id] = REQUIRED
            continue
        try:
            kept[id] = _answer(question, answer)
        except ValueError as error:
            errors[id] = str(error)
    return kept, errors


def _answer(question: Question, answer: Any) -> Any:
    """The answer in its stored form. Raises ``ValueError``."""
    options = {option.id for option in question.options}
    match question.kind:
        case "yes_no":
            fits = answer is True
        case "choice":
            fits = answer in options if isinstance(answer, str) else False
        case "choices":
            fits = isinstance(answer, list) and all(isinstance(a, str) and a in options for a in answer)
        case kind:
            return _written(kind, answer)
    if not fits:
        raise ValueError(NOT_LISTED)
    return answer


def _written(kind: Literal["text", "long_text"], answer: Any) -> str:
    if not isinstance(answer, str):
        raise ValueError(N_("This must be text."))
    text = printable_line(answer) if kind == "text" else printable_prose(answer)
    if len(text) > MAX_ANSWER:
        raise ValueError(TOO_LONG)
    return text
