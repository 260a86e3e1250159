"""An account's record, folded from events: nothing that can be derived is stored.

Moments are compared as instants and days are 24 hours, so that neither time zones nor clock
changes make a strike or a mute longer or shorter.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from labels.cases import Case, Strikes
from labels.errors import MingbianError
from labels.events import (
    Applied,
    Corrected,
    Decided,
    Event,
    Failed,
    Imported,
    Overturned,
)
from labels.results import Step
from policy.resolve import Policy
from policy.rule import choose, rule

_STEPS = tuple(Step)
_STRIKES = (Step.WARNING, Step.SHORT_MUTE, Step.LONG_MUTE)


class LedgerError(MingbianError):
    """Events that cannot be a history."""

    code = "ledger_invalid"


@dataclass(frozen=True, slots=True)
class Standing:
    """A decision as it stands. ``case`` is None where it was imported."""

    decision_id: str
    at: datetime
    step: Step
    days: int
    case: Case | None
    applied: datetime | None = None
    failed: bool = False
    overturned: bool = False


@dataclass(frozen=True, slots=True)
class Enforcement:
    """What an account may not do now; ``until`` is None where it is closed."""

    decision_id: str
    step: Step
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Correction:
    """A decision that would be milder without one that was overturned."""

    decision_id: str
    was: tuple[Step, int]
    now: tuple[Step, int]


@dataclass(frozen=True, slots=True)
class Record:
    """The decisions on one account, in the order in which they were taken."""

    standings: tuple[Standing, ...]

    def strikes(self, at: datetime, strike_days: int) -> Strikes:
        """The decisions that count at a moment: taken before it, not overturned, not lapsed."""
        steps = [standing.step for standing in self.counting(at, strike_days)]
        return Strikes(**{step.value: steps.count(step) for step in _STRIKES})

    def counting(self, at: datetime, strike_days: int) -> tuple[Standing, ...]:
        """Those decisions themselves; each counts until ``strike_days`` after it was taken."""
        lasts = timedelta(days=strike_days)
        return tuple(
            standing
            for standing in self.standings
            if standing.step in _STRIKES
            and not standing.overturned
            and standing.at < _instant(at) < standing.at + lasts
        )

    def enforcement(self, at: datetime) -> Enforcement | None:
        """The restriction in force at a moment, the one that ends last; None if there is none."""
        now, found = _instant(at), []
        for standing in self.standings:
            begun = standing.applied
            if begun is None or begun > now or standing.overturned or standing.failed:
                continue
            until = None if standing.step is Step.CLOSURE else begun + timedelta(standing.days)
            if until is None or now < until:
                found.append(Enforcement(standing.decision_id, standing.step, until))
        return max(found, key=_ends, default=None)

    def without(self, decision_id: str) -> "Record":
        """The record as it would be if a decision were overturned."""
        return Record(
            tuple(
                replace(standing, overturned=True)
                if standing.decision_id == decision_id
                else standing
                for standing in self.standings
            )
        )

    def before(self, place: int) -> "Record":
        """The record as it was when a decision was taken."""
        return Record(self.standings[:place])


def fold(events: Iterable[Event]) -> Record:
    """The record that events of one account make, in the order of their moments.

    An event that comes twice counts once; of equal moments the first given comes first.

    Raises:
        LedgerError: events of several accounts, an id with two contents, or an event on a
            decision that was never taken.
    """
    standings: dict[str, Standing] = {}
    for event in _in_order(events):
        if isinstance(event, Decided | Imported):
            if event.decision_id in standings:
                raise LedgerError(f"decision {event.decision_id!r} is taken twice")
            case = event.case if isinstance(event, Decided) else None
            standings[event.decision_id] = Standing(
                event.decision_id, _instant(event.at), event.step, event.days, case
            )
        elif isinstance(event, Applied | Failed | Overturned | Corrected):
            if event.decision_id not in standings:
                raise LedgerError(
                    f"event {event.event_id!r} is about decision {event.decision_id!r}, "
                    "which was never taken"
                )
            standings[event.decision_id] = _after(standings[event.decision_id], event)
    return Record(tuple(standings.values()))


def corrections(record: Record, policy_of: Callable[[str], Policy]) -> Iterator[Correction]:
    """The decisions that would be milder, now that others are overturned, oldest first.

    Each is ruled on again with the strikes that still counted when it was taken; a step that
    reviewers chose to be milder stays, its days are counted again. Later ones see earlier ones
    corrected.

    Args:
        record: of one account.
        policy_of: gives, for the id of a decision, the policy that ruled on it.
    """
    standings, changed = list(record.standings), False
    for place, standing in enumerate(standings):
        if standing.overturned:
            changed = changed or standing.step in _STRIKES
            continue
        # nothing leaned on a strike that came later, and no action cannot become milder
        if not changed or standing.case is None or standing.step is Step.NONE:
            continue
        earlier = Record(tuple(standings[:place]))
        policy = policy_of(standing.decision_id)
        strikes = earlier.strikes(standing.at, policy.pack.strike_days)
        case = standing.case.model_copy(update={"strikes": strikes})
        ruled = rule(case, policy)
        if _STEPS.index(ruled.step) > _STEPS.index(standing.step):
            ruled = choose(case, policy, standing.step)
        was, now = (standing.step, standing.days), (ruled.step, ruled.days)
        if _weight(now) < _weight(was):
            yield Correction(standing.decision_id, was, now)
            standings[place] = replace(standing, step=ruled.step, days=ruled.days)


def _after(standing: Standing, event: Applied | Failed | Overturned | Corrected) -> Standing:
    if isinstance(event, Applied):
        return replace(standing, applied=_instant(event.at), failed=False)
    if isinstance(event, Failed):
        return replace(standing, failed=True)
    if isinstance(event, Overturned):
        return replace(standing, overturned=True)
    return replace(standing, step=event.step, days=event.days)


def _in_order(events: Iterable[Event]) -> Sequence[Event]:
    once: dict[str, Event] = {}
    for event in events:
        known = once.setdefault(event.event_id, event)
        if known != event:
            raise LedgerError(f"event {event.event_id!r} comes with two contents")
    accounts = {event.account_id for event in once.values()}
    if len(accounts) > 1:
        raise LedgerError(f"events of several accounts: {sorted(accounts)}")
    return sorted(once.values(), key=lambda event: _instant(event.at))


def _instant(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _ends(found: Enforcement) -> tuple[bool, datetime, int]:
    until = found.until or datetime.max.replace(tzinfo=UTC)
    return found.until is None, until, _STEPS.index(found.step)


def _weight(outcome: tuple[Step, int]) -> tuple[int, int]:
    step, days = outcome
    return _STEPS.index(step), days
