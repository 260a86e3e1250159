"""Disguises for text, as people use them: for training, tests and the table of a release.

Each kind is undone by :mod:`labels.disguise` as far as its tables reach; the seed decides where
it strikes, and how.
"""

import random
import re
from collections.abc import Callable, Mapping
from functools import cache

import opencc

from labels.disguise import table

_HAN_PAIR = re.compile(r"(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff])")
_RUN = re.compile(r"[\u4e00-\u9fff]{4,8}")
_ASCII = re.compile(r"[!-~]")
_FULL_WIDTH = 0xFEE0
_INVISIBLE = "\u200b\u200d\u2060\ufeff"
_COMBINING = "\u0336\u0335\u0323\u0301"
_WEDGES = "*_|^~★◆"
_BETWEEN = " ·.-/"

_Attack = Callable[[str, float, random.Random], str]


def attacked(text: str, kind: str, share: float, seed: int) -> str:
    """The text in one disguise.

    Args:
        text: any length.
        kind: one of ``KINDS``.
        share: of the places where it can strike, 0 to 1.
        seed: of every draw.
    """
    return _ATTACKS[kind](text, share, random.Random(f"{seed} {kind} {text}"))  # noqa: S311


def _inserted(signs: str) -> _Attack:
    def attack(text: str, share: float, rng: random.Random) -> str:
        return _HAN_PAIR.sub(lambda _: rng.choice(signs) if rng.random() < share else "", text)

    return attack


def _rewritten(name: str) -> _Attack:
    """What a table of disguises reads back, the other way round."""

    def attack(text: str, share: float, rng: random.Random) -> str:
        written = _written(name)
        pattern = "|".join(re.escape(word) for word in sorted(written, key=len, reverse=True))

        def disguise(match: re.Match[str]) -> str:
            return rng.choice(written[match[0]]) if rng.random() < share else match[0]

        return re.sub(pattern, disguise, text)

    return attack


def _wide(text: str, share: float, rng: random.Random) -> str:
    def widened(match: re.Match[str]) -> str:
        return chr(ord(match[0]) + _FULL_WIDTH) if rng.random() < share else match[0]

    return _ASCII.sub(widened, text)


def _traditional(text: str, share: float, rng: random.Random) -> str:
    signs = ((sign, _to_traditional().convert(sign)) for sign in text)
    return "".join(other if rng.random() < share else sign for sign, other in signs)


def _interleaved(text: str, share: float, rng: random.Random) -> str:
    def spread(match: re.Match[str]) -> str:
        return rng.choice(_BETWEEN).join(match[0]) if rng.random() < share else match[0]

    return _RUN.sub(spread, text)


@cache
def _written(name: str) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for written, reading in table(name).items():
        found.setdefault(reading, []).append(written)
    return found


@cache
def _to_traditional() -> opencc.OpenCC:
    return opencc.OpenCC("s2t")


_ATTACKS: dict[str, _Attack] = {
    "width": _wide,
    "invisible": _inserted(_INVISIBLE),
    "combining": _inserted(_COMBINING),
    "signs": _inserted(_WEDGES),
    "interleaved": _interleaved,
    "traditional": _traditional,
    **{name: _rewritten(name) for name in ("lookalike", "split", "emoji", "homophone")},
}
KINDS = tuple(_ATTACKS)
