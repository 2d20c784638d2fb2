"""What is new in a reply, and what it repeats of earlier mails.

A quotation is what a mail program marks: lines after ``>``, or what follows a header that names one of our addresses,
since only our mails are answered here. Words like ``From: Nairobi`` or ``our minister wrote:`` are the writer's own.
Where it is not clear, all of it counts as new, and what is set apart is kept beside it: nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

HEADER_LINES = range(3, 9)  # From, Sent, To, Cc, Subject ... in any language
INTRODUCTION_LINES = 3  # "On ..., Somebody <...> wrote:", as it is wrapped
_RULE = re.compile(r"^\s*[_-]{5,}.*$")
_HEADER_LINE = re.compile(r"^[*\s]*[^\s:：][^:：]{0,30}[:：]\s*\S")
_BRACKETED = re.compile(r"[<\[][^\s<\[]+@|mailto:", re.IGNORECASE)  # each scan ends at the next bracket
_MARKS = re.compile("[\u200e\u200f]")  # of direction, around dates


def split(text: str, domains: Sequence[str]) -> tuple[str, str]:
    """``(new, quoted)`` of a mail's text.

    Args:
        domains: of our addresses: that our mails come from, and that they are answered to.
    """
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    end = min(_first_marked(lines), _our_header(lines, domains))
    if end == len(lines):
        return text.strip(), ""
    new, quoted = lines[:end], lines[end:]
    begins_with_it = not "".join(new).strip()
    if begins_with_it or _has_answers_between(quoted):
        return (_below(lines) if begins_with_it else None) or (text.strip(), "")
    return "\n".join(new).strip(), "\n".join(quoted).strip()


def _first_marked(lines: list[str]) -> int:
    """Where lines marked with ``>`` begin, with what introduces them; the number of lines where none are marked."""
    first = next((number for number, line in enumerate(lines) if _is_marked(line)), None)
    return len(lines) if first is None else _without_introduction(lines, first)


def _without_introduction(lines: list[str], end: int) -> int:
    """Where ``On 2 March 2026 at 10:00, Somebody wrote:`` before ``end`` begins, in any language; else ``end``."""
    last = _without_blanks(lines, end)
    if last == 0 or lines[last - 1].rstrip()[-1] not in ":：":
        return end
    for start in range(last - 1, max(-1, last - 1 - INTRODUCTION_LINES), -1):
        if not lines[start].strip():
            break
        if _has_date(lines[start]):  # every program puts it first
            return _without_blanks(lines, start)
    return end


def _our_header(lines: list[str], domains: Sequence[str]) -> int:
    """Where a header begins that names one of our addresses; the number of lines where there is none."""
    ours = re.compile(rf"@({'|'.join(map(re.escape, domains))})(?![\w-]|\.\w)", re.IGNORECASE)
    for number, line in enumerate(lines):
        if "@" not in line or not ours.search(line):
            continue
        start, end = _header_around(lines, number)
        if end - start in HEADER_LINES:
            return _without_blanks(lines, start)
        introduced = _end_of_introduction(lines, number) if _BRACKETED.search(line) else None
        if introduced and (begin := _without_introduction(lines, introduced)) <= number:
            return begin
    return len(lines)


def _header_around(lines: list[str], number: int) -> tuple[int, int]:
    """The lines ``Name: value`` next to one another, this one among them."""
    start = end = number
    while start > 0 and number - start < HEADER_LINES.stop and _HEADER_LINE.match(lines[start - 1]):
        start -= 1
    while end < len(lines) and end - start < HEADER_LINES.stop and _HEADER_LINE.match(lines[end]):
        end += 1
    return start, end


def _end_of_introduction(lines: list[str], number: int) -> int | None:
    """After the line that ends with a colon, this one or the next; an address in a sentence is none."""
    for last in range(number, min(number + INTRODUCTION_LINES - 1, len(lines))):
        line = lines[last].rstrip()
        if not line:
            return None
        if line[-1] in ":：":
            return last + 1
    return None


def _has_date(line: str) -> bool:
    return any(letter.isdigit() for word in line[:1000].split() if "@" not in word for letter in word)


def _is_marked(line: str) -> bool:
    return line.lstrip().startswith(">")


def _without_blanks(lines: list[str], end: int) -> int:
    """``end``, blank lines and rules before it aside."""
    while end > 0 and (not _MARKS.sub("", lines[end - 1]).strip() or _RULE.match(lines[end - 1])):
        end -= 1
    return end


def _has_answers_between(quoted: list[str]) -> bool:
    """Whether lines of the writer's own stand below or between marked ones."""
    marked = False
    for line in quoted:
        if _is_marked(line):
            marked = True
        elif marked and line.strip():
            return True
    return False


def _below(lines: list[str]) -> tuple[str, str] | None:
    """The answer that stands below one marked block; None where there is no such."""
    marked = [number for number, line in enumerate(lines) if _is_marked(line)]
    if not marked:
        return None
    first, last = marked[0], marked[-1]
    between = any(line.strip() and not _is_marked(line) for line in lines[first:last])
    below = "\n".join(lines[last + 1 :]).strip()
    return None if between or not below else (below, "\n".join(lines[: last + 1]).strip())
