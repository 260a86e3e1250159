"""The queue of cases that wait for a person: opened, claimed for a while, released, closed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, RowMapping, exists, func, insert, select, update

from labels.results import ScoredPost, Suggestion
from serving.people import Caller, Role
from serving.refusal import ForbiddenError, RequestError
from serving.rows import find_row
from serving.store.database import new_id
from serving.store.schema import cases, decisions, verdicts

CLAIM_MINUTES = 30
#: an appeal waits before every review, an act before a review of any score
_APPEAL_RANK, _ACT_RANK = -100.0, -1.0


class CaseKind(StrEnum):
    """What is asked of a reviewer."""

    REVIEW = "review"
    APPEAL = "appeal"


class CaseState(StrEnum):
    """Where a case is. ``second``: a first reviewer decided, another must confirm."""

    OPEN = "open"
    SECOND = "second"
    CLOSED = "closed"


def open_case(
    connection: Connection, decision_id: str, account_id: str, result: ScoredPost, now: datetime
) -> str:
    """Ask for a review of a decision; its case id."""
    highest = max(result.scores.values())
    urgent = _ACT_RANK if result.suggestion is Suggestion.ACT else 0.0
    return _insert(
        connection, CaseKind.REVIEW, decision_id, account_id, result, urgent - highest, now
    )


def open_appeal_case(connection: Connection, decision: RowMapping, now: datetime) -> str:
    """Ask for a second look at a decision that was taken; its case id."""
    result = ScoredPost.model_validate(decision["result"], strict=False)
    return _insert(
        connection,
        CaseKind.APPEAL,
        decision["decision_id"],
        decision["account_id"],
        result,
        _APPEAL_RANK,
        now,
    )


def clauses_of(result: ScoredPost) -> str:
    """The clauses of a case as the queue keeps them: each between spaces."""
    return _listed([label.clause for label in result.labels])


def classes_of(result: ScoredPost) -> str:
    """The protected classes that a case may belong to, as the queue keeps them."""
    return _listed([protection.code for protection in result.protected])


def has_case(connection: Connection, decision_id: str) -> bool:
    """Whether somebody looks, or looked, at a decision."""
    asked = select(cases.c.case_id).where(cases.c.decision_id == decision_id).limit(1)
    return connection.scalar(asked) is not None


def hasten(connection: Connection, decision_id: str, by: float) -> None:
    """Move an open review up the queue."""
    connection.execute(
        update(cases)
        .where(
            cases.c.decision_id == decision_id,
            cases.c.kind == CaseKind.REVIEW,
            cases.c.state != CaseState.CLOSED,
        )
        .values(rank=cases.c.rank - by)
    )


def claim(connection: Connection, case_id: str, caller: Caller, now: datetime) -> RowMapping:
    """Take a case for a while; taking it again prolongs it.

    Raises:
        NotFoundError: there is no such case.
        RequestError: it is closed, or somebody else's.
        ForbiddenError: the caller took part in what is to be judged.
    """
    case = _open(connection, case_id)
    holder = held_by(case, now)
    if holder not in {None, caller.user_id}:
        raise RequestError(
            "case_claimed", f"case {case_id!r} is claimed by a colleague until it lapses"
        )
    if caller.user_id in took_part(connection, case):
        raise ForbiddenError(
            "own_decision", f"{caller.user_id!r} took part in what case {case_id!r} asks"
        )
    until = now + timedelta(minutes=CLAIM_MINUTES)
    connection.execute(
        update(cases)
        .where(cases.c.case_id == case_id)
        .values(claimed_by=caller.user_id, claimed_until=until)
    )
    return find_case(connection, case_id)


def release(connection: Connection, case_id: str, caller: Caller, now: datetime) -> RowMapping:
    """Give a case back; a senior may give back what a colleague holds.

    Raises:
        NotFoundError: there is no such case.
        RequestError: it is closed, or the caller does not hold it.
    """
    case = _open(connection, case_id)
    if Role.SENIOR not in caller.roles:
        check_held(case, caller, now)
    connection.execute(
        update(cases).where(cases.c.case_id == case_id).values(claimed_by=None, claimed_until=None)
    )
    return find_case(connection, case_id)


def check_held(case: RowMapping, caller: Caller, now: datetime) -> None:
    """Raises ``RequestError`` unless the caller holds the case."""
    if held_by(case, now) != caller.user_id:
        raise RequestError(
            "case_not_claimed",
            f"case {case['case_id']!r} is not claimed by {caller.user_id!r}",
            remedy="claim it first; a claim lapses after a while",
        )


def held_by(case: RowMapping, now: datetime) -> str | None:
    """Who holds a case at a moment."""
    until = case["claimed_until"]
    return case["claimed_by"] if until is not None and until > now else None


def await_second(connection: Connection, case_id: str, first: dict[str, object]) -> None:
    """Keep what a first reviewer found and ask another."""
    _set(connection, case_id, state=CaseState.SECOND, first=first)


def reopen(connection: Connection, case_id: str) -> None:
    """A second reviewer disagreed; the case begins anew."""
    _set(connection, case_id, state=CaseState.OPEN, first=None)


def close(connection: Connection, case_id: str, now: datetime) -> None:
    """Nobody needs to look any more; who held it last stays on record as who closed it."""
    connection.execute(
        update(cases)
        .where(cases.c.case_id == case_id)
        .values(claimed_until=None, state=CaseState.CLOSED, closed_at=now)
    )


def find_case(connection: Connection, case_id: str) -> RowMapping:
    """The row of a case; raises ``NotFoundError``."""
    return find_row(connection, cases, case_id, "case")


def took_part(connection: Connection, case: RowMapping) -> set[str]:
    """Who may not judge: the first reviewer, and on an appeal all who said anything on the case."""
    if case["kind"] == CaseKind.REVIEW:
        return {case["first"]["by"]} if case["first"] else set()
    decision_id = case["decision_id"]
    ruled = connection.scalar(
        select(decisions.c.ruled).where(decisions.c.decision_id == decision_id)
    )
    said = connection.scalars(select(verdicts.c.by).where(verdicts.c.decision_id == decision_id))
    return {*said, *(ruled["case"]["findings"]["reviewers"] if ruled else ())}


def said_something(caller: Caller) -> ColumnElement[bool]:
    """As :func:`took_part`, of the rows of a query: that somebody wrote a verdict bars them."""
    mine = func.coalesce(cases.c.first["by"].as_string(), "") == caller.user_id
    wrote = exists().where(
        verdicts.c.decision_id == cases.c.decision_id, verdicts.c.by == caller.user_id
    )
    return ((cases.c.state == CaseState.SECOND) & mine) | (
        (cases.c.kind == CaseKind.APPEAL) & wrote
    )


def _listed(names: Sequence[str]) -> str:
    return f" {' '.join(names)} "


def _open(connection: Connection, case_id: str) -> RowMapping:
    case = find_case(connection, case_id)
    if case["state"] == CaseState.CLOSED:
        raise RequestError("case_closed", f"case {case_id!r} is closed")
    return case


def _set(connection: Connection, case_id: str, **values: object) -> None:
    connection.execute(
        update(cases)
        .where(cases.c.case_id == case_id)
        .values(claimed_by=None, claimed_until=None, **values)
    )


def _insert(  # noqa: PLR0913, PLR0917  every field of a case
    connection: Connection,
    kind: CaseKind,
    decision_id: str,
    account_id: str,
    result: ScoredPost,
    rank: float,
    now: datetime,
) -> str:
    case_id = new_id("case")
    connection.execute(
        insert(cases).values(
            case_id=case_id,
            kind=kind,
            decision_id=decision_id,
            account_id=account_id,
            category=result.labels[0].category if result.labels else None,
            clauses=clauses_of(result),
            risk=result.risk_level,
            protected=bool(result.protected),
            protected_classes=classes_of(result),
            rank=rank,
            opened_at=now,
            state=CaseState.OPEN,
        )
    )
    return case_id
