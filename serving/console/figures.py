"""What a lead sees of some days: figures of the store, each counted where it is at home."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection, exists, func, select

from labels.results import Step
from policy.replay import campaign_rows
from serving.queue import CaseKind
from serving.review import kept_decision
from serving.store.database import Database
from serving.store.schema import appeals, cases, decisions, verdicts
from serving.watch.kept import by_account
from serving.watch.periods import Period, day_of
from serving.watch.verdicts import WHOLE
from serving.watch.verdicts import verdicts as found_by_people

_BATCH = 500
#: hours from which a case that waits is counted as so old
AGES = (0, 1, 4, 24, 72, 168)


@dataclass(frozen=True, slots=True)
class Load:
    """What waits now: ``ages`` by hours from ``AGES``, ``overdue`` appeals past their answer."""

    ages: tuple[int, ...]
    held: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the decisions, appeals and posts of a period, as they stand at ``at``.

    ``days``: decisions of people by day and step. ``campaign``: the same by upheld category and
    step. ``seconds``: what second reviewers said, ``confirm`` or ``reject``. ``answered`` appeals,
    of which ``overturned`` succeeded. ``flagged``: by protected class the posts that went to
    people, and how many of them an appeal overturned since.
    """

    period: Period
    at: datetime
    days: Counter[tuple[date, Step]]
    campaign: Counter[tuple[str, str]]
    seconds: Counter[str]
    answered: int
    overturned: int
    flagged: Counter[tuple[str, bool]]

    @property
    def steps(self) -> Counter[Step]:
        """Decisions by step."""
        found: Counter[Step] = Counter()
        for (_, step), count in self.days.items():
            found[step] += count
        return found


def load_now(connection: Connection, now: datetime) -> Load:
    """How old is what waits."""
    at_least = [
        func.count().filter(cases.c.opened_at <= now - timedelta(hours=hours)) for hours in AGES
    ]
    held = func.count().filter(cases.c.claimed_until > now)
    asked = select(held, *at_least).where(cases.c.closed_at.is_(None))
    of_held, *older = connection.execute(asked).one()
    ages = (more - less for more, less in pairwise([*older, 0]))
    # of the cases that wait, which are few beside all appeals
    late = (
        select(func.count())
        .join_from(cases, appeals, appeals.c.decision_id == cases.c.decision_id)
        .where(
            cases.c.closed_at.is_(None),
            cases.c.kind == CaseKind.APPEAL,
            appeals.c.answer_due < now,
        )
    )
    return Load(tuple(ages), of_held, connection.scalar(late) or 0)


def figures(database: Database, period: Period) -> Figures:
    """Count a period, in one reading of the store; takes some 100 µs a decision."""
    with database.read() as connection:
        days, campaign = _decided(connection, period)
        people = found_by_people(connection, period)
        return Figures(
            period,
            datetime.now(UTC),
            days,
            campaign,
            _seconds(connection, period),
            people.answered[WHOLE],
            people.overturned[WHOLE],
            _flagged(connection, period),
        )


def _decided(
    connection: Connection, period: Period
) -> tuple[Counter[tuple[date, Step]], Counter[tuple[str, str]]]:
    days: Counter[tuple[date, Step]] = Counter()
    campaign: Counter[tuple[str, str]] = Counter()
    asked = (
        select(decisions.c.ruled, decisions.c.decided_at)
        .where(decisions.c.decided_at >= period.start, decisions.c.decided_at < period.end)
        .execution_options(yield_per=_BATCH)
    )
    with connection.execute(asked) as rows:
        for row in rows.mappings():
            kept = kept_decision(row)
            days[day_of(row["decided_at"]), kept.step] += 1
            campaign.update(campaign_rows(kept))
    return days, campaign


def _seconds(connection: Connection, period: Period) -> Counter[str]:
    asked = (
        select(verdicts.c.verdict, func.count())
        .where(
            verdicts.c.verdict.in_(("confirm", "reject")),
            verdicts.c.at >= period.start,
            verdicts.c.at < period.end,
        )
        .group_by(verdicts.c.verdict)
    )
    return Counter({row[0]: row[1] for row in connection.execute(asked)})


def _flagged(connection: Connection, period: Period) -> Counter[tuple[str, bool]]:
    found: Counter[tuple[str, bool]] = Counter()
    also = exists().where(cases.c.decision_id == decisions.c.decision_id, cases.c.protected)
    for account in by_account(connection, period, also):
        for kept in account:
            found.update(kept.flagged)
    return found
