"""What the overview shows."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from labels.results import Step
from labels.taxonomy import Category, taxonomy
from policy.floors import STEPS
from policy.pack import Campaign
from serving.charts import Chart, stacked
from serving.console.figures import AGES, Figures
from serving.names import named
from serving.watch.periods import Period, day_of

#: more days than these are told by weeks: a column a day would be too thin to point at
_MOST_COLUMNS, _WEEK = 92, 7


def overview_context(found: Figures | None, campaign: Campaign, now: datetime) -> dict[str, Any]:
    """What the template names of the figures, None while they are counted, and of the campaign."""
    return {
        "figures": found,
        "ages": AGES,
        "campaign": campaign,
        "campaign_days": campaign_days(campaign, day_of(now)),
        **(_told(found) if found else {}),
    }


def campaign_days(campaign: Campaign, today: date) -> tuple[int, int]:
    """Which day of a campaign it is, 0 before the first and the last after it, of how many."""
    whole = (campaign.last - campaign.first).days + 1
    return min(max((today - campaign.first).days + 1, 0), whole), whole


def _told(found: Figures) -> dict[str, Any]:
    """The figures as rows of tables, and the chart."""
    steps = [step for step in STEPS if found.steps[step]]
    return {
        "steps": steps,
        "chart": _chart(found, steps),
        "by_days": [
            (days[0], days[-1], row)
            for days in spans(found.period)
            if any(row := [_decided(found, days, step) for step in steps])
        ],
        "by_category": [
            (category, [found.campaign[category.value, step.value] for step in steps])
            for category in Category
        ],
        "flagged": [
            (
                code,
                found.flagged[code, True],
                found.flagged[code, True] + found.flagged[code, False],
            )
            for code in taxonomy().protected
        ],
    }


def spans(period: Period) -> list[Sequence[date]]:
    """The days of a period one by one, or by seven from its first where they are very many."""
    days = [period.first + timedelta(days=n) for n in range(period.days)]
    length = 1 if period.days <= _MOST_COLUMNS else _WEEK
    return [days[begin : begin + length] for begin in range(0, len(days), length)]


def _decided(found: Figures, days: Sequence[date], step: Step) -> int:
    return sum(found.days[day, step] for day in days)


def _chart(found: Figures, steps: list[Step]) -> Chart:
    columns = spans(found.period)
    return stacked(
        [f"{days[0]:%m-%d}" for days in columns],
        [{step.value: float(_decided(found, days, step)) for step in steps} for days in columns],
        partial(named, "step"),
    )
