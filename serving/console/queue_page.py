"""What the page of the queue shows, and what its filters mean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pydantic import ValidationError
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    delete,
    func,
    insert,
    select,
)

from labels.results import RiskLevel
from labels.taxonomy import Category, taxonomy
from serving import queue
from serving.api.views import case_view
from serving.paging import page
from serving.people import Caller
from serving.queue import CaseKind, CaseState
from serving.queue_filter import CaseFilter, select_cases
from serving.refusal import RequestError, UnprocessableError
from serving.shapes import CaseView
from serving.store.schema import appeals, cases, decisions, reports, saved_views

_ROWS = 50
#: closed cases that can be listed, newest first: no filter has to read the cases of all years
CLOSED = 10_000
#: cases that are tried when the next one is claimed, should a colleague be quicker
_TRIED = 20
_NAME_CHARS = 60


@dataclass(frozen=True, slots=True)
class Row:
    """A case in the queue.

    ``protected``: classes that its post may belong to. ``score`` is the highest of its post.
    ``due``: when an appeal is to be answered. ``closed_at`` and ``outcome``, a step or what became
    of an appeal, are those of a closed case.
    """

    case: CaseView
    clauses: tuple[str, ...]
    protected: tuple[str, ...]
    risk: RiskLevel
    score: float
    reports: int
    due: datetime | None
    closed_at: datetime | None
    outcome: str | None


def read_filter(pairs: Iterable[tuple[str, str]]) -> CaseFilter:
    """The filter of a query string; what is empty was not chosen.

    Raises:
        UnprocessableError: a value that no filter has.
    """
    given = {name: value for name, value in pairs if value and name in CaseFilter.model_fields}
    try:
        return CaseFilter.model_validate(given)
    except ValidationError as error:
        fault = error.errors()[0]
        raise UnprocessableError(
            "invalid_request", f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        ) from None


def filter_query(wanted: CaseFilter) -> str:
    """The filter as a query string."""
    given = wanted.model_dump(mode="json", exclude_none=True)
    return urlencode({name: str(value).lower() for name, value in given.items()})


def filter_of(query: str) -> CaseFilter:
    """The filter that a page carried along; raises as :func:`read_filter`."""
    return read_filter(parse_qsl(query))


def queue_context(
    connection: Connection, wanted: CaseFilter, cursor: str | None, caller: Caller, now: datetime
) -> dict[str, Any]:
    """A page of the queue, and how much waits; closed cases come newest first."""
    asked = select_cases(wanted, caller.user_id, now)
    by = [cases.c.rank, cases.c.case_id]
    closed = wanted.state is CaseState.CLOSED
    if closed:
        asked, by = asked.where(_lately_closed()), [cases.c.case_id]
    found = page(connection, asked, by, limit=_ROWS, cursor=cursor, newest_first=closed)
    return {
        "rows": _rows(connection, found.rows),
        "next_cursor": found.next_cursor,
        "cursor": cursor,
        "wanted": wanted.model_dump(mode="json"),
        "query": filter_query(wanted),
        "counts": counts(connection, caller, now),
        "views": views(connection, caller),
        "choices": {
            "kind": [kind.value for kind in CaseKind],
            "state": [state.value for state in CaseState],
            "category": [category.value for category in Category],
            "clause": list(taxonomy().clauses),
            "risk": [risk.value for risk in reversed(RiskLevel)],
            "protected_class": list(taxonomy().protected),
            "older_than": [1, 4, 24, 72, 168],
        },
        "most_closed": CLOSED,
    }


def counts(connection: Connection, caller: Caller, now: datetime) -> dict[str, Any]:
    """How much waits now; ``oldest`` is a moment, or None."""
    waits = select(
        func.count(),
        func.count().filter(cases.c.kind == CaseKind.APPEAL),
        func.count().filter(cases.c.state == CaseState.SECOND),
        func.count().filter((cases.c.claimed_by == caller.user_id) & (cases.c.claimed_until > now)),
        func.min(cases.c.opened_at),
    ).where(cases.c.closed_at.is_(None))
    number, appeals, second, mine, oldest = connection.execute(waits).one()
    return {
        "waiting": number,
        "appeals": appeals,
        "second": second,
        "mine": mine,
        "oldest": oldest,
    }


def claim_next(
    connection: Connection, wanted: CaseFilter, caller: Caller, now: datetime
) -> str | None:
    """Claim the most urgent case of a filter that the caller may judge; None if there is none."""
    free = wanted.model_copy(update={"held": "free"})
    asked = select_cases(free, caller.user_id, now).with_only_columns(cases.c.case_id)
    # one's own that wait would hide all that follow
    fit = asked.where(~queue.said_something(caller))
    order = fit.order_by(cases.c.rank, cases.c.case_id).limit(_TRIED)
    for case_id in connection.scalars(order).all():
        try:
            queue.claim(connection, case_id, caller, now)
        except RequestError:
            continue
        return str(case_id)
    return None


def views(connection: Connection, caller: Caller) -> Sequence[RowMapping]:
    """The filters that somebody named."""
    asked = select(saved_views).where(saved_views.c.user_id == caller.user_id)
    return connection.execute(asked.order_by(saved_views.c.name)).mappings().all()


def save_view(connection: Connection, caller: Caller, name: str, wanted: CaseFilter) -> None:
    """Name a filter; a name that is there gets the new one.

    Raises:
        UnprocessableError: the name is empty or too long.
    """
    if not (0 < len(name) <= _NAME_CHARS and name.isprintable()):
        raise UnprocessableError("view_name", f"a view's name has 1 to {_NAME_CHARS} characters")
    remove_view(connection, caller, name)
    connection.execute(
        insert(saved_views).values(user_id=caller.user_id, name=name, query=filter_query(wanted))
    )


def remove_view(connection: Connection, caller: Caller, name: str) -> None:
    """Forget a filter's name."""
    mine = (saved_views.c.user_id == caller.user_id) & (saved_views.c.name == name)
    connection.execute(delete(saved_views).where(mine))


def _lately_closed() -> ColumnElement[bool]:
    newest = select(cases.c.case_id).where(cases.c.state == CaseState.CLOSED)
    oldest = newest.order_by(cases.c.case_id.desc()).offset(CLOSED - 1).limit(1)
    return cases.c.case_id >= func.coalesce(oldest.scalar_subquery(), "")


def _rows(connection: Connection, found: Sequence[RowMapping]) -> list[Row]:
    ids = [row["decision_id"] for row in found]
    complaints = select(reports.c.decision_id, func.count()).group_by(reports.c.decision_id)
    reported: dict[str, int] = {
        row[0]: row[1]
        for row in connection.execute(complaints.where(reports.c.decision_id.in_(ids)))
    }
    of_post = {row["decision_id"]: row for row in _decided(connection, ids)}
    return [_row(row, of_post[row["decision_id"]], reported) for row in found]


def _decided(connection: Connection, ids: Sequence[str]) -> Sequence[RowMapping]:
    """Scores of decisions, what was decided, and the appeal against it."""
    asked = select(
        decisions.c.decision_id,
        decisions.c.result,
        decisions.c.ruled["step"].as_string().label("step"),
        appeals.c.answer_due,
        appeals.c.outcome,
    ).join(appeals, appeals.c.decision_id == decisions.c.decision_id, isouter=True)
    return connection.execute(asked.where(decisions.c.decision_id.in_(ids))).mappings().all()


def _row(case: RowMapping, about: RowMapping, reported: Mapping[str, int]) -> Row:
    appeal = case["kind"] == CaseKind.APPEAL
    return Row(
        case=case_view(case),
        clauses=tuple(case["clauses"].split()),
        protected=tuple(case["protected_classes"].split()),
        risk=RiskLevel(case["risk"]),
        score=max(about["result"]["scores"].values()),
        reports=reported.get(case["decision_id"], 0),
        due=about["answer_due"] if appeal else None,
        closed_at=case["closed_at"],
        outcome=about["outcome"] if appeal else about["step"],
    )
