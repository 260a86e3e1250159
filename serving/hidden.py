"""Strings of others on pages: what hides in them is shown, and cannot turn what stands around."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Any

#: code points of a name or id that are shown
_NAME = 80
#: code points that a run of hidden characters is told by
_TOLD = 3

_EMOJI_JOINER = re.compile(r"(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d")
_HIDING = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
#: letters and signs that leave no ink: fillers of Hangul, the empty pattern of Braille
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
#: signs that stand on the character before them, and how many may
_COMBINING, _STACKED = frozenset({"Mn", "Me"}), 2
#: variation marks; an emoji may have one
_VARIANTS = range(0xFE00, 0xFE10)


def visible(text: str) -> str:
    """Characters that hide or turn others, written out; those that join emoji stay.

    A run of them is told once, with its length: ``‹U+200B›``, ``‹U+200B U+200C ×400›``.
    """
    return "".join(marked if hides else part for part, hides, marked in parts(text))


def parts(text: str) -> Iterator[tuple[str, bool, str]]:
    """The text in parts: each as sent, whether it hides, and what is written in its place."""
    text = text.replace("\r\n", "\n")
    flags = _flags(text)
    for hidden, places in groupby(range(len(text)), flags.__getitem__):
        part = "".join(text[place] for place in places)
        yield part, hidden, _told(part) if hidden else part


def plain(text: Any, limit: int = _NAME) -> str:
    """A name or id of somebody else's, on one line, with its hidden characters visible."""
    whole = str(text)
    told = visible(" ".join(whole[:limit].split()))
    return told if len(whole) <= limit else f"{told}……（{len(whole):,} 字 characters）"


def _flags(text: str) -> list[bool]:
    """Of each character whether it hides.

    Signs that stand on others do where those hide, or where more than two are on one another.
    """
    joiners = {match.start() for match in _EMOJI_JOINER.finditer(text)}
    found: list[bool] = []
    stacked = 0
    for place, letter in enumerate(text):
        stacked = stacked + 1 if unicodedata.category(letter) in _COMBINING else 0
        loose = stacked > _STACKED or (stacked > 0 and place > 0 and found[-1])
        found.append(loose or (place not in joiners and _hides(text, place)))
    return found


def _hides(text: str, place: int) -> bool:
    letter = text[place]
    if letter in "\n\t":
        return False
    if ord(letter) in _VARIANTS:
        return place > 0 and ord(text[place - 1]) in _VARIANTS
    return letter in _BLANK or unicodedata.category(letter) in _HIDING


def _told(run: str) -> str:
    kinds = list(dict.fromkeys(f"U+{ord(letter):04X}" for letter in run))
    more = "…" if len(kinds) > _TOLD else ""
    times = f" ×{len(run)}" if len(run) > len(kinds) or more else ""
    return f"‹{' '.join(kinds[:_TOLD])}{more}{times}›"
