"""The words of a text, as rules and searches compare them: without case and accents, in any script."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

_WORD = re.compile(r"\w+")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao; Burmese; Khmer
    "\u3005-\u3007\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"  # Japanese, Chinese
    "\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_IN_PAIRS = re.compile(f"[{_UNSPACED}\uac00-\ud7a3]+")  # Korean has blanks, but joins particles to its words
_IGNORED = "\u0640"  # tatweel only stretches a line


def plain_words(text: str) -> list[str]:
    """Words in the text's order, folded: ``É`` is ``e``, Arabic vowel marks are nothing.

    Where a script puts no blanks between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese), a word is all that
    stands between two marks or two changes of script.
    """
    if text.isascii():
        return _WORD.findall(text.lower())
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    folded = unicodedata.normalize("NFC", "".join(map(_folded, decomposed)))
    return [run for word in folded.split() for run in _RUN.findall(word)]


def unspaced(letter: str) -> bool:
    """Whether the letter's script puts no blanks between words."""
    return _IS_UNSPACED.match(letter) is not None


def terms(text: str) -> list[str]:
    """What an index lists and a query asks for: the words, and pairs of letters where words are not told apart.

    Each pair overlaps the next (``药品采购``: ``药品``, ``品采``, ``采购``), so that any part of two letters is found.
    """
    return [term for word in plain_words(text) for term in (pairs(word) if in_pairs(word) else [word])]


def in_pairs(word: str) -> bool:
    """Whether the word, one of ``plain_words``, is indexed by its pairs."""
    return _IN_PAIRS.fullmatch(word) is not None


def pairs(word: str) -> list[str]:
    """A single letter is its own."""
    return [first + second for first, second in pairwise(word)] or [word]


@lru_cache(10_000)
def _folded(letter: str) -> str:
    """One decomposed letter: itself, nothing for an accent, a blank for what separates words.

    Accents and the vowel marks of Arabic and Hebrew have combining classes from 10 to 36 and from 200 (Unicode 16,
    table 4-3). The other marks belong to Indic, South-East Asian and Japanese letters and make other words of them.
    """
    kind, place = unicodedata.category(letter), unicodedata.combining(letter)
    if 10 <= place <= 36 or place >= 200 or letter == _IGNORED or (kind == "Cf" and letter != "\u200b"):
        return ""
    return letter if kind[0] in "LMN" or kind == "Pc" else " "
