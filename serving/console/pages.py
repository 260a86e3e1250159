"""Templates into pages. Nothing comes from outside, and no script stands in a page."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib import resources
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from labels.taxonomy import taxonomy
from serving.console.words import Speech, words
from serving.hidden import parts, plain, visible
from serving.intervals import wilson
from serving.pages import number, percent
from serving.people import START
from serving.watch.limits import Limits

#: what browsers are told of every answer of the console
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
ASSETS = {"console.css": "text/css", "console.js": "text/javascript"}
_BEIJING = timezone(timedelta(hours=8))
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@cache
def asset(name: str) -> bytes:
    """A file of ``static``, one of ``ASSETS``."""
    return resources.files("serving.console").joinpath("static", name).read_bytes()


def asset_url(name: str) -> str:
    """Changes with the file, so that browsers may keep it."""
    return f"/console/static/{name}?v={hashlib.sha256(asset(name)).hexdigest()[:12]}"


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("serving.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "plain": plain,
        "visible": visible,
        "shown": shown,
        "moment": moment,
        "score": score,
        "number": number,
        "percent": percent,
    }
    found.globals |= {"taxonomy": taxonomy(), "asset": asset_url, "share": share, "START": START}
    return found


def prepare() -> None:
    """Read every template and word, which takes longer than the first visitor should wait."""
    words()
    for name in _environment().list_templates(extensions=["html"]):
        _environment().get_template(name)


def page(
    template: str, speech: Speech, context: Mapping[str, Any], status: int = 200
) -> HTMLResponse:
    """A page in one language.

    Args:
        template: a file of ``templates``.
        speech: what the page says.
        context: what the template names.
        status: of the answer.
    """
    told = _environment().get_template(template)
    text = told.render(
        {**context, "t": speech.say, "name": speech.name, "pick": speech.pick, "speech": speech}
    )
    return HTMLResponse(text, status)


def shown(text: str) -> Markup:
    """A stranger's words: escaped, and what hides in them marked as such."""
    marked = Markup('<span class="hides">{}</span>')
    return Markup().join(
        marked.format(told) if hides else escape(told) for _, hides, told in parts(text)
    )


def moment(at: datetime) -> Markup:
    """A moment in Beijing."""
    told = f"{at.astimezone(_BEIJING):%Y-%m-%d %H:%M}"
    # neither has a sign to escape, and Markup.format takes ten times as long
    return Markup(f'<time datetime="{at.isoformat()}">{told}</time>')  # noqa: S704


def score(probability: float) -> str:
    """Never as if it were certain."""
    percent = min(max(100 * probability, 0.1), 99.9)
    return f"{percent:.1f}%"


def share(part: int, whole: int) -> str:
    """A share with its 95 % interval; none of too few to speak of one."""
    if whole < Limits().least_cases:
        return "–"
    low, high = wilson(part, whole)
    return f"{percent(part / whole)} [{percent(low)}, {percent(high)}]"


def age(since: datetime, now: datetime, speech: Speech) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length in (("days", _DAY), ("hours", _HOUR)):
        if seconds >= length:
            return speech.say(f"age.{unit}", n=seconds // length)
    return speech.say("age.minutes", n=seconds // _MINUTE)
