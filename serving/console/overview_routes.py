"""The overview for leads."""

from datetime import UTC, datetime
from functools import partial

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from serving.access import DeskHere
from serving.console.computing import Background
from serving.console.figures import figures, load_now
from serving.console.overview_page import overview_context
from serving.console.pages import age, page
from serving.console.queue_page import counts
from serving.console.visit import ConsoleRoute, Lead, VisitHere
from serving.refusal import UnprocessableError
from serving.watch.periods import Period, last_week

router = APIRouter(prefix="/console/overview", include_in_schema=False, route_class=ConsoleRoute)
_MOST_DAYS = 366


@router.get("")
def show_overview(request: Request, desk: DeskHere, visit: VisitHere, caller: Lead) -> Response:
    """What waits now, and what people did on the chosen days."""
    now = datetime.now(UTC)
    asked = {name: request.query_params.get(name, "") for name in ("first", "last")}
    period = _period(asked, now)
    counting: Background = request.app.state.counting
    found = counting.find(("figures", period), partial(figures, desk.database, period))
    with desk.database.read() as connection:
        waiting, load = counts(connection, caller, now), load_now(connection, now)
    campaign = desk.engine.active.loaded.pack.campaign
    context = {
        **overview_context(found, campaign, now),
        "visit": visit,
        "here": f"/console/overview?first={period.first}&last={period.last}",
        "now": now,
        "age": age,
        "counts": waiting,
        "load": load,
        "period": period,
    }
    return page("overview.html", visit.speech, context)


def _period(asked: dict[str, str], now: datetime) -> Period:
    """The days that were asked for; the last week that is over where none were.

    Raises:
        UnprocessableError: one is no day, the first is after the last, or they are too many.
    """
    if not any(asked.values()):
        return last_week(now)
    try:
        found = Period.model_validate(asked, strict=False)
    except ValidationError as error:
        raise UnprocessableError("days_invalid", str(error.errors()[0]["msg"])) from None
    if found.days > _MOST_DAYS:
        raise UnprocessableError("days_invalid", f"{found.days} days, {_MOST_DAYS} at most")
    return found
