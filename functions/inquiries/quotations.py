"""What is new in a reply, and what it repeats. Where that is not clear, all of it counts as new: nothing is lost."""

from __future__ import annotations

import re

LIBRARY_LANGUAGES = ("en", "fr", "es", "zh", "de", "it", "nl", "ja", "ko")  # that mail-parser-reply knows well
READ = 30_000  # characters that are looked through; quotations begin long before
LINES, LINE = 300, 200  # lines, and characters of each, that the library is shown
_UNDERSCORES = re.compile(r"^\s*[_-]{5,}.*$")
_HEADER_LINE = re.compile(r"^[*\s]*[^\s:：][^:：]{0,30}[:：]\s*\S")


def split(text: str, language: str, domain: str) -> tuple[str, str]:
    """``(new, quoted)`` of a mail's text.

    Args:
        language: of the inquiry (BCP 47); a reply's programs mostly speak it.
        domain: of our own mails, by which their headers are known in any language.
    """
    text = text.replace("\r\n", "\n").replace("\u200e", "").replace("\u200f", "")
    head, tail = text[:READ], text[READ:]
    new = _before_our_headers(_before_known_headers(head, language), domain)
    new = _without_marked(new)
    quoted = _rest(head, new) + tail
    if not new.strip() or _has_answers_between(quoted):
        return _below(head, tail) or (text.strip(), "")
    return new.strip(), quoted.strip()


def _before_known_headers(text: str, language: str) -> str:
    """What stands before ``On ... wrote:`` and its kin, by the library.

    Its patterns take time that grows fast with long lines and texts, so it looks at the beginnings of the first lines
    and tells how many of them are new.
    """
    from mailparser_reply.parser import EmailReplyParser

    primary = language.lower().split("-")[0]
    own = [primary] if primary in LIBRARY_LANGUAGES else []
    lines = text.split("\n")
    probe = "\n".join(line[:LINE] for line in lines[:LINES])
    replies = EmailReplyParser(languages=list(dict.fromkeys([*own, *LIBRARY_LANGUAGES]))).read(probe).replies
    if not replies:
        return text
    if replies[0].headers:
        return ""
    if len(replies) == 1:
        return text
    left = sum(1 for line in replies[0].content.split("\n") if line.strip())
    for number, line in enumerate(lines):
        if left == 0:
            return _trimmed(lines[:number])
        left -= bool(line.strip())
    return text


def _before_our_headers(text: str, domain: str) -> str:
    """What stands before a block ``From: ... Sent: ... To: ...`` in any language, known by our own address in it."""
    lines = text.split("\n")
    for start in range(len(lines)):
        block = []
        for line in lines[start : start + 8]:
            if not _HEADER_LINE.match(line):
                break
            block.append(line)
        if len(block) >= 3 and any(f"@{domain}" in line.lower() for line in block[:3]):
            return _trimmed(lines[:start])
    return text


def _without_marked(text: str) -> str:
    """What stands before lines marked with ``>``, without the line that introduces them."""
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.lstrip().startswith(">")), None)
    if first is None:
        return text
    return _trimmed(_without_introduction(lines[:first]))


def _without_introduction(lines: list[str]) -> list[str]:
    """Without ``On Monday ... wrote:``, which may be wrapped, in any language."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    if not lines or lines[-1].rstrip()[-1] not in ":：":
        return lines
    start = len(lines) - 1
    while start > 0 and lines[start - 1].strip() and len(lines) - start < 3 and not _has_date(lines[start]):
        start -= 1
    return lines[:start]


def _has_date(line: str) -> bool:
    """Whether an introduction begins here: every program puts the date first."""
    return bool(re.search(r"\d", re.sub(r"\S+@\S+", "", line)))


def _trimmed(lines: list[str]) -> str:
    """Without blank lines and rules at the end."""
    while lines and (not lines[-1].strip() or _UNDERSCORES.match(lines[-1])):
        lines = lines[:-1]
    return "\n".join(lines)


def _rest(text: str, new: str) -> str:
    """What follows ``new`` in ``text``, blanks aside."""
    wanted = len(re.sub(r"\s", "", new))
    for position, letter in enumerate(text):
        if wanted == 0:
            return text[position:]
        wanted -= not letter.isspace()
    return ""


def _has_answers_between(quoted: str) -> bool:
    """Whether lines of the writer's own stand below or between marked ones."""
    marked = False
    for line in quoted.split("\n"):
        if line.lstrip().startswith(">"):
            marked = True
        elif marked and line.strip():
            return True
    return False


def _below(head: str, tail: str) -> tuple[str, str] | None:
    """The answer that stands below one marked block; None where there is no such."""
    lines = head.split("\n")
    marked = [number for number, line in enumerate(lines) if line.lstrip().startswith(">")]
    if not marked:
        return None
    first, last = marked[0], marked[-1]
    between = [line for line in lines[first:last] if line.strip() and not line.lstrip().startswith(">")]
    below = "\n".join(lines[last + 1 :]) + tail
    if between or not below.strip() or _without_marked(head).strip():
        return None
    return below.strip(), "\n".join(lines[: last + 1]).strip()
