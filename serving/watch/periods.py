"""The days that are watched, and those that they are held against."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Self

from pydantic import model_validator

from labels.yamlfile import Strict

BEIJING = timezone(timedelta(hours=8))
_WATCHED, _AGAINST = 7, 28


class Period(Strict):
    """Whole days in Beijing, both included."""

    first: date
    last: date

    @model_validator(mode="after")
    def _goes_forward(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"{self.last} is before {self.first}")
        return self

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        """The moment (UTC) at which it begins."""
        return datetime.combine(self.first, time(), BEIJING).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """The moment (UTC) at which it is over."""
        return datetime.combine(self.last, time(), BEIJING).astimezone(UTC) + timedelta(days=1)

    def holds(self, day: date) -> bool:
        """Whether a day is in it."""
        return self.first <= day <= self.last


def day_of(at: datetime) -> date:
    """The day in Beijing."""
    return at.astimezone(BEIJING).date()


def last_week(now: datetime) -> Period:
    """The seven days that were over at a moment."""
    yesterday = day_of(now) - timedelta(days=1)
    return Period(first=yesterday - timedelta(days=_WATCHED - 1), last=yesterday)


def weeks_before(period: Period) -> Period:
    """The four weeks before a period."""
    return Period(
        first=period.first - timedelta(days=_AGAINST), last=period.first - timedelta(days=1)
    )
