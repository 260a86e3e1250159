"""Undoes the ways in which words are hidden from a reader of text, and keeps the way back.

Width and compatibility forms, invisible and combining characters, look-alikes, traditional
characters, emoji in the place of words, inserted signs, split characters, homophones and pinyin.
The tables lie in ``labels/evasion``.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise

from labels.normalize import INVISIBLE, SKIN_TONES, simplify

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff"
#: signs that ordinary text does not have between two Chinese characters
_WEDGED = re.compile(rf"(?<=[{_HAN}])[*^`\\¤]{{1,3}}(?=[{_HAN}])")
_DECORATION = "|_~=•°※☆★◆◇■□●○▲△"
#: one and the same sign or space between each of four characters or more
_INTERLEAVED = re.compile(rf"[{_HAN}]([ \t·.\-/+#&{_DECORATION}])[{_HAN}](?:\1[{_HAN}]){{2,}}")
#: one sign between two Chinese characters; ordinary text has such ones too, if far apart
_LONE = re.compile(rf"(?<=[{_HAN}])[{_DECORATION}](?=[{_HAN}])")
#: so many of them, none farther from the next than so many characters, are no ordinary text
_SCATTERED, _NEAR = 3, 8
_LATIN = re.compile(r"[a-z0-9]", re.IGNORECASE)
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Revealed:
    """Text as it reads, and for each of its characters where it begins in the original.

    ``starts`` has one entry more than ``text`` has characters: the original's length.
    """

    text: str
    starts: tuple[int, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original that a stretch of the text stands for."""
        return self.starts[start], self.starts[end]


@lru_cache(maxsize=64)  # every part of a model reads the same windows
def reveal(text: str) -> Revealed:
    """The text without disguises; case, spaces and line breaks stay.

    Args:
        text: any length.
    """
    plain = _simplified(_without_invisible(text))
    # a word in disguise may hold a look-alike, so words are looked up before and after those
    found = _replaced(plain, _table_matches(plain.text, _words("homophone"), _whole_latin))
    found = _translated(found, _lookalike())
    for table, fits in ((_words("emoji"), _amid_chinese), (_words("split"), _anywhere)):
        found = _replaced(found, _table_matches(found.text, table, fits))
    found = _replaced(found, ((m.start(), m.end(), "") for m in _WEDGED.finditer(found.text)))
    found = _replaced(found, _interleaved(found.text))
    found = _replaced(found, _scattered(found.text))
    if found is plain:  # as most texts are
        return found
    return _replaced(found, _table_matches(found.text, _words("homophone"), _whole_latin))


def fold(text: str) -> str:
    """What a character model reads: without disguises, lower case, single spaces."""
    return _SPACES.sub(" ", reveal(text).text).strip().lower()


#: a stretch of the text, and what it reads as
_Match = tuple[int, int, str]


def _without_invisible(text: str) -> Revealed:
    """Compatibility forms unified, invisible and combining signs dropped."""
    forms = [_form(sign) for sign in text]
    starts = [place for place, form in enumerate(forms) for _ in form]
    return Revealed("".join(forms), (*starts, len(text)))


@cache
def _form(sign: str) -> str:
    """The compatibility form of one sign, of which nothing may be left."""
    parts = unicodedata.normalize("NFKC", sign)
    return "".join(part for part in parts if not _hides(part))


def _translated(found: Revealed, signs: Mapping[str, str]) -> Revealed:
    """Each sign that stands for another one of the same length."""
    if signs.keys().isdisjoint(found.text):
        return found
    return Revealed("".join(signs.get(sign, sign) for sign in found.text), found.starts)


def _hides(sign: str) -> bool:
    """Invisible, combining, or the skin tone of an emoji."""
    combining = unicodedata.category(sign) in ("Mn", "Me")
    return combining or bool(INVISIBLE.match(sign)) or ord(sign) in SKIN_TONES


def _simplified(found: Revealed) -> Revealed:
    """Character by character where a phrase would change the length."""
    text = simplify(found.text)
    if len(text) != len(found.text):
        text = "".join(simplify(sign)[:1] or sign for sign in found.text)
    return Revealed(text, found.starts)


def _replaced(found: Revealed, matches: Iterator[_Match]) -> Revealed:
    signs: list[str] = []
    starts: list[int] = []
    done = 0
    for start, end, reading in matches:
        signs += [found.text[done:start], reading]
        starts += [*found.starts[done:start], *([found.starts[start]] * len(reading))]
        done = end
    if not done:
        return found
    return Revealed("".join([*signs, found.text[done:]]), (*starts, *found.starts[done:]))


def _table_matches(
    text: str, table: "_Table", fits: Callable[[str, int, int], bool]
) -> Iterator[_Match]:
    """The longest entry at each place, from the left."""
    lower = text.lower() if len(text.lower()) == len(text) else text
    done = 0
    for opening in table.openings.finditer(lower):
        start = opening.start()
        if start < done:
            continue
        for written in table.by_opening.get(opening[0], ()):
            end = start + len(written)
            if lower.startswith(written, start) and fits(text, start, end):
                yield start, end, table.readings[written]
                done = end
                break


def _interleaved(text: str) -> Iterator[_Match]:
    for match in _INTERLEAVED.finditer(text):
        yield match.start(), match.end(), match[0].replace(match[1], "")


def _scattered(text: str) -> Iterator[_Match]:
    places = [match.start() for match in _LONE.finditer(text)]
    breaks = [at for at, (a, b) in enumerate(pairwise(places), start=1) if b - a > _NEAR]
    for first, last in pairwise([0, *breaks, len(places)]):
        if last - first >= _SCATTERED:
            yield from ((place, place + 1, "") for place in places[first:last])


def _anywhere(text: str, start: int, end: int) -> bool:
    return True


def _amid_chinese(text: str, start: int, end: int) -> bool:
    """After a Chinese character and before another sign of a word: elsewhere emoji decorate."""
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    return bool(re.match(f"[{_HAN}]", before) and re.match(f"[{_HAN}0-9A-Za-z]", after))


def _whole_latin(text: str, start: int, end: int) -> bool:
    """Latin letters at an edge of an entry must not go on outside it."""
    opens = _LATIN.match(text[start]) and start > 0 and _LATIN.match(text[start - 1])
    closes = _LATIN.match(text[end - 1]) and end < len(text) and _LATIN.match(text[end])
    return not (opens or closes)


@dataclass(frozen=True, slots=True)
class _Table:
    """``openings`` matches every sign that an entry begins with, and a few others."""

    readings: Mapping[str, str]
    by_opening: Mapping[str, list[str]]
    openings: re.Pattern[str]

    @classmethod
    def of(cls, readings: Mapping[str, str]) -> "_Table":
        by_opening: dict[str, list[str]] = {}
        for written in sorted(readings, key=len, reverse=True):
            by_opening.setdefault(written[0], []).append(written)
        # further emoji in one range: a pattern tries them one after the other at every place
        near = "".join(re.escape(sign) for sign in by_opening if sign <= "\uffff")
        return cls(readings, by_opening, re.compile(f"[{near}\U00010000-\U0010ffff]"))


def table(name: str) -> dict[str, str]:
    """What is written and what it reads as, of ``labels/evasion/<name>.tsv``."""
    file = resources.files("labels").joinpath("evasion", f"{name}.tsv")
    lines = file.read_text(encoding="utf-8").splitlines()[1:]
    return {written: reading for written, _, reading in (line.partition("\t") for line in lines)}


@cache
def _words(name: str) -> _Table:
    return _Table.of(table(name))


@cache
def _lookalike() -> Mapping[str, str]:
    return table("lookalike")
