"""A record is what its events make it, and an overturned decision leaves nothing behind."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.cases import Case
from labels.events import EVENT, Event
from labels.results import Step
from policy.ledger import LedgerError, Record, corrections, fold
from policy.resolve import Policy
from policy.rule import choose, rule
from tests.policy.conftest import make_case, make_policy

POLICY = make_policy()
START = datetime(2026, 1, 1, tzinfo=UTC)
CLAUSES = ("2.3", "2.4", "1.5", "3.3", "4.3")


def event(kind: str, day: float, decision: str, **more: Any) -> Event:
    """One of account a1."""
    at = (START + timedelta(days=day)).isoformat()
    raw = {"kind": kind, "event_id": f"{kind} {decision}", "account_id": "a1", "at": at, **more}
    return EVENT.validate_python({**raw, "decision_id": decision}, strict=False)


def history(decided: Sequence[tuple[float, str]], without: str = "") -> list[Event]:
    """Decisions taken one after the other, each ruled on with the record so far."""
    events: list[Event] = []
    for number, (day, clause) in enumerate(decided):
        name = f"d{number}"
        if name == without:
            continue
        case = make_case(name, clauses=[clause])
        strikes = fold(events).strikes(START + timedelta(days=day), POLICY.pack.strike_days)
        ruled = rule(case.model_copy(update={"strikes": strikes}), POLICY)
        events.append(event("decided", day, name, step=ruled.step, days=ruled.days, case=case))
    return events


def always(_: str) -> Policy:
    """Every decision was taken under the same policy."""
    return POLICY


def outcomes(record: Record) -> dict[str, tuple[Step, int]]:
    """What stands."""
    return {s.decision_id: (s.step, s.days) for s in record.standings if not s.overturned}


days = st.floats(0, 700, allow_nan=False).map(lambda day: round(day, 3))
decisions = st.tuples(days, st.sampled_from(CLAUSES))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(days, st.sampled_from(CLAUSES)), min_size=2, max_size=7, unique_by=lambda x: x[0]
    ),
    st.data(),
)
def test_an_overturned_decision_was_never_taken(
    decided: list[tuple[float, str]], data: st.DataObject
) -> None:
    """Overturned and repaired, a record is that of a history in which it did not happen."""
    decided = sorted(decided)
    gone = f"d{data.draw(st.integers(0, len(decided) - 1))}"
    events = [*history(decided), event("overturned", 800, gone)]
    for found in corrections(fold(events), always):
        step, length = found.now
        events.append(event("corrected", 801, found.decision_id, step=step, days=length))
    never = fold(history(decided, without=gone))
    repaired = fold(events)
    assert outcomes(repaired) == outcomes(never)
    assert list(corrections(repaired, always)) == []
    for at in (0.0, 200.0, 400.0, 900.0):
        moment = START + timedelta(days=at)
        assert repaired.strikes(moment, 180) == never.strikes(moment, 180)


def test_only_what_may_have_leaned_on_it_is_ruled_on_again() -> None:
    """A record can be long: what came before stays as it was, and a prompt is no strike."""
    asked: list[str] = []

    def note(decision_id: str) -> Policy:
        asked.append(decision_id)
        return POLICY

    taken = history([(0, "2.4"), (1, "2.4"), (2, "2.4")])
    list(corrections(fold([*taken, event("overturned", 3, "d1")]), note))
    assert asked == ["d2"]
    prompt = event("decided", -1, "p", step="prompt", days=0, case=make_case("p", clauses=["3.3"]))
    assert list(corrections(fold([prompt, *taken, event("overturned", 3, "p")]), note)) == []
    assert asked == ["d2"]


def test_what_reviewers_chose_milder_stays_so() -> None:
    """A correction only ever makes a decision milder."""
    case = make_case("d1", clauses=["2.4"])
    kept = event("decided", 5, "d1", step="warning", days=0, case=case)
    events = [*history([(0, "2.4")]), kept, event("overturned", 6, "d0")]
    assert list(corrections(fold(events), always)) == []


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "America/New_York", "UTC", "Australia/Lord_Howe"]
)
def test_strikes_and_mutes_end_to_the_second_in_every_zone(zone: str) -> None:
    """Days are 24 hours, also over a change of clocks."""
    local = datetime(2026, 3, 1, 1, 30, tzinfo=ZoneInfo(zone))
    decided = EVENT.validate_python(
        {
            "kind": "imported",
            "event_id": "e1",
            "account_id": "a1",
            "decision_id": "d1",
            "at": local,
            "step": Step.SHORT_MUTE,
            "days": 30,
        }
    )
    applied = EVENT.validate_python(
        {"kind": "applied", "event_id": "e2", "account_id": "a1", "decision_id": "d1", "at": local}
    )
    record = fold([decided, applied])
    exact = local.astimezone(UTC)
    mute, strike = timedelta(days=30), timedelta(days=180)
    second = timedelta(seconds=1)
    assert record.enforcement(exact + mute - second)
    assert record.enforcement(exact + mute) is None
    assert record.strikes(exact + strike - second, 180).short_mute == 1
    assert record.strikes(exact + strike, 180).short_mute == 0


def test_enforcement_begins_when_the_platform_applies_it_and_ends_when_overturned() -> None:
    """A decision alone restricts nobody; a failed one neither; the longest one counts."""
    taken = history([(0, "2.4"), (1, "1.5")])
    now = START + timedelta(days=2)
    assert fold(taken).enforcement(now) is None
    both = [*taken, event("applied", 1, "d0"), event("applied", 1.5, "d1")]
    found = fold(both).enforcement(now)
    assert found
    assert (found.decision_id, found.step) == ("d1", Step.LONG_MUTE)
    undone = fold([*both, event("overturned", 1.7, "d1")]).enforcement(now)
    assert undone
    assert undone.decision_id == "d0"
    failed = fold([*taken, event("applied", 1, "d0"), event("failed", 1.2, "d0", reason="x")])
    assert failed.enforcement(now) is None
    closed = event("imported", 0, "x", step="closure", days=0)
    ever = fold([closed, event("applied", 0, "x")]).enforcement(now)
    assert ever
    assert ever.until is None


def test_events_that_cannot_be_a_history_are_refused() -> None:
    """Rather than folded into a record that is wrong."""
    (one,) = history([(0, "2.4")])
    assert fold([one, one]) == fold([one])
    with pytest.raises(LedgerError, match="never taken"):
        fold([event("applied", 1, "d9")])
    with pytest.raises(LedgerError, match="two contents"):
        fold([one, one.model_copy(update={"at": START + timedelta(days=9)})])
    with pytest.raises(LedgerError, match="several accounts"):
        fold(
            [
                one,
                event("decided", 1, "d2", step="none", days=0, case=_case()).model_copy(
                    update={"account_id": "a2"}
                ),
            ]
        )
    with pytest.raises(LedgerError, match="taken twice"):
        fold([one, one.model_copy(update={"event_id": "again"})])


def _case() -> Case:
    return make_case("d2", clauses=[])


def test_the_days_of_a_step_that_was_chosen_to_be_milder_are_counted_again() -> None:
    """A second short mute becomes a first one, though the ruling was harsher all along."""
    first = history([(0, "2.4")])
    case = make_case("d1", clauses=["1.5"]).model_copy(
        update={"strikes": fold(first).strikes(START + timedelta(days=1), POLICY.pack.strike_days)}
    )
    chosen = choose(case, POLICY, Step.SHORT_MUTE)
    second = event("decided", 1, "d1", step=chosen.step, days=chosen.days, case=case)
    (found,) = corrections(fold([*first, second, event("overturned", 2, "d0")]), always)
    assert (found.was, found.now) == ((Step.SHORT_MUTE, 15), (Step.SHORT_MUTE, 7))
