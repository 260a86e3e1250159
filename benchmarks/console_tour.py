"""Every page of the console, opened by somebody who may open them all."""

from collections.abc import Iterator
from datetime import date, timedelta

from benchmarks.browser import Moderator
from benchmarks.console_store import BUSY
from labels.results import RiskLevel
from labels.taxonomy import Category, taxonomy

#: how long the figures of a year, or a backtest, may take in the background
_COUNTED_MS = 120_000
_PLAIN = (
    "/console",
    "/console?state=closed",
    "/console?state=second",
    "/console?category=false_specialist&reported=false&held=free",
    "/console?clause=1.3&older_than=1",
    "/console/accounts",
    "/console/accounts/u1",
    f"/console/accounts/{BUSY}",
    "/console/cases/none",
    "/console/nothing",
)
#: where cases of each kind are found: to decide, to confirm, to judge, to read
_CASES = ("kind=review&state=open", "state=second", "kind=appeal", "state=closed")
_CHOICES = {
    "kind": ["review", "appeal"],
    "state": ["open", "second"],
    "category": [category.value for category in Category],
    "clause": list(taxonomy().clauses),
    "risk": [risk.value for risk in RiskLevel],
    "protected": ["true", "false"],
    "protected_class": list(taxonomy().protected),
    "reported": ["true", "false"],
    "older_than": ["1", "168"],
    "held": ["free", "mine", "others"],
}


def tour(amy: Moderator) -> None:
    """Look at a page of every kind; what is wrong with one is among her faults."""
    for path in _PLAIN:
        amy.page.goto(path)
        _look(amy)
    for path in ("/console/policies", "/console/models"):
        amy.page.goto(path)
        _look(amy)
        links = amy.page.locator("tbody th a")
        for single in [link.get_attribute("href") for link in links.all()]:
            _look_when_counted(amy, str(single))
    today = date.today()
    year = f"/console/overview?first={today - timedelta(days=365)}&last={today}"
    for path in ("/console/overview", year):
        _look_when_counted(amy, path)
    for query in _CASES:
        _see_case(amy, f"/console?{query}")
    amy.page.goto(f"/console/accounts/{BUSY}")
    amy.page.locator("[aria-labelledby=cases-title] li:has(.kind-appeal) a").first.click()
    _look(amy)


def filters(amy: Moderator) -> int:
    """Each value of each filter, among what waits and among what is closed; how many there were."""
    asked = 0
    for query in _queries():
        answer = amy.page.request.get(f"/console?{query}")
        if not answer.ok:
            amy.faults.append(f"/console?{query} is answered {answer.status}")
        asked += 1
    return asked


def save_view(amy: Moderator) -> None:
    """A filter gets a name, and is opened under it from then on."""
    page = amy.page
    page.goto("/console?clause=1.3&reported=true")
    page.fill("[name=name]", "举报的 1.3")
    page.press("[name=name]", "Enter")
    page.click(".views li a")
    _look(amy)


def _see_case(amy: Moderator, queue: str) -> None:
    """The first of a queue, before it is claimed and with the form for what may be said."""
    page = amy.page
    page.goto(queue)
    page.locator(".queue .open").first.click()
    page.wait_for_selector("#post:not([data-pending])")
    _look(amy)
    if page.locator("[data-key=c]").count():
        amy.press("c")
        page.wait_for_selector("#post:not([data-pending])")
        _look(amy)
        amy.press("r")


def _look_when_counted(amy: Moderator, path: str) -> None:
    amy.page.goto(path)
    amy.page.wait_for_selector("main:not(:has([data-reload]))", timeout=_COUNTED_MS)
    _look(amy)


def _look(amy: Moderator) -> None:
    if not amy.look().strip():
        amy.faults.append(f"{amy.page.url} is empty")


def _queries() -> Iterator[str]:
    for name, values in _CHOICES.items():
        for value in values:
            yield f"{name}={value}"
            if name != "state":
                yield f"{name}={value}&state=closed"
