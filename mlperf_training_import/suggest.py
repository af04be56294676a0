"""What a misspelt word may have meant: a word and the words that there are in, the nearest of them out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LEAST_SIMILAR = 0.6


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that one may have meant; case, blanks and punctuation tell words apart only where nothing else does.

    Args:
        word: what was typed.
        words: what there is.

    Returns:
        One of ``words``, None where none is near.
    """
    import difflib  # most commands are spelt correctly

    plain: dict[str, str] = {}
    for candidate in sorted(words):
        plain.setdefault(_plain(candidate), candidate)
    found = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=_LEAST_SIMILAR)
    return plain[found[0]] if found else None


def did_you_mean(word: str, words: Iterable[str], prefix: str = "") -> str:
    """The question for the end of a message, such as ``; did you mean Dell?``; empty where nothing is near."""
    found = nearest(word, words)
    return f"; did you mean {prefix}{found}?" if found else ""


def _plain(word: str) -> str:
    return re.sub(r"[\W_]+", "", word.casefold()) or word
