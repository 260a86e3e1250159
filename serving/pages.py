"""What the reports have in common: one look, no request, words of others made harmless."""

import re
import unicodedata
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

#: Chinese and English
Name = tuple[str, str]

#: code points of a name or an id that are shown
_NAME = 80
#: scores beyond are told as beyond it
SURE = 0.999


def render(package: str, **values: Any) -> str:
    """The page of ``page.html`` in a package; Chinese first.

    It may import ``parts.html``; ``style`` is the sheet of every report.
    """
    environment = Environment(
        loader=PackageLoader("serving", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent, "score": score, "plain": plain}
    template = resources.files(package).joinpath("page.html").read_text("utf-8")
    style = resources.files("serving").joinpath("report.css").read_text("utf-8")
    return environment.from_string(template).render(style=Markup(style), **values)  # noqa: S704  ours


def plain(text: Any, limit: int = _NAME) -> str:
    """A name or id of somebody else's, on one line, with its hidden characters visible."""
    whole = str(text)
    told = visible(" ".join(whole[:limit].split()))
    return told if len(whole) <= limit else f"{told}……（{len(whole):,} 字 characters）"


def number(value: float | None) -> str:
    """With thousands set apart."""
    return "–" if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    """With as many places as tell a small share from none."""
    if share is None:
        return "–"
    places = 1 if share >= 0.01 or not share else 2 if share >= 0.001 else 4  # noqa: PLR2004
    return f"{100 * share:.{places}f} %"


def score(probability: float) -> str:
    """Never as if it were certain."""
    if probability > SURE:
        return f"> {100 * SURE:.1f} %"
    return f"< {100 * (1 - SURE):.1f} %" if probability < 1 - SURE else percent(probability)


_EMOJI_JOINER = re.compile(r"(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d")
_HIDING = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    """Characters that hide or turn others, written out; those that join emoji stay."""
    text = text.replace("\r\n", "\n")
    kept = {match.start() for match in _EMOJI_JOINER.finditer(text)}
    return "".join(
        f"‹U+{ord(letter):04X}›"
        if letter not in "\n\t" and place not in kept and unicodedata.category(letter) in _HIDING
        else letter
        for place, letter in enumerate(text)
    )
