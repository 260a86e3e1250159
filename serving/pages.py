"""What the reports have in common: one look, no request, words of others made harmless."""

from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from serving.hidden import plain

#: Chinese and English
Name = tuple[str, str]

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
