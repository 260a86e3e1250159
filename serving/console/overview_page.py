"""What the overview shows."""

from datetime import date, datetime
from functools import partial
from typing import Any

from labels.results import Step
from labels.taxonomy import Category, taxonomy
from policy.floors import STEPS
from policy.pack import Campaign
from serving.charts import Chart, stacked
from serving.console.figures import AGES, Figures
from serving.names import named
from serving.watch.periods import day_of


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
        "by_day": [
            (day, [found.days[day, step] for step in steps])
            for day in found.dates
            if any(found.days[day, step] for step in steps)
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


def _chart(found: Figures, steps: list[Step]) -> Chart:
    columns = [{step.value: float(found.days[day, step]) for step in steps} for day in found.dates]
    return stacked([f"{day:%m-%d}" for day in found.dates], columns, partial(named, "step"))
