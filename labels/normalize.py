"""One normal form of Chinese text; see :mod:`labels.disguise` for what models read."""

import re
import unicodedata
from functools import cache

import opencc

#: soft hyphen, zero-width, bidi and variation marks: here they only hide text
INVISIBLE = re.compile(r"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")

#: code points that colour the emoji before them
SKIN_TONES = range(0x1F3FB, 0x1F400)


def normalize(text: str) -> str:
    """NFKC without invisible characters; spaces, line breaks and case stay."""
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def is_blank(text: str) -> bool:
    """True if nothing visible is left."""
    return not normalize(text).strip()


@cache
def _to_simplified() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def simplify(text: str) -> str:
    """Traditional characters as simplified ones; everything else stays."""
    return str(_to_simplified().convert(text))
