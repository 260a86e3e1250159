"""Which cases of the queue are asked for."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Select, exists, select

from labels.results import RiskLevel
from labels.taxonomy import Category, taxonomy
from serving.queue import CaseKind, CaseState
from serving.store.schema import cases, reports


def _known(clause: str) -> str:
    if clause not in taxonomy().clauses:
        raise ValueError(f"there is no clause {clause!r}")
    return clause


def _known_class(code: str) -> str:
    if code not in taxonomy().protected:
        raise ValueError(f"there is no protected class {code!r}")
    return code


class CaseFilter(BaseModel):
    """Which cases; by default all that wait.

    ``protected``: whether a post may belong to any protected class, ``protected_class``: to this
    one. ``older_than`` is in hours. ``held``: by nobody, by who asks, or by somebody else.
    """

    model_config = ConfigDict(extra="forbid")

    state: CaseState | None = None
    kind: CaseKind | None = None
    category: Category | None = None
    clause: Annotated[str, AfterValidator(_known)] | None = None
    risk: RiskLevel | None = None
    protected: bool | None = None
    protected_class: Annotated[str, AfterValidator(_known_class)] | None = None
    reported: bool | None = None
    older_than: Annotated[int, Field(ge=1, le=24 * 365)] | None = None
    held: Literal["free", "mine", "others"] | None = None


def select_cases(wanted: CaseFilter, user_id: str, now: datetime) -> Select[Any]:
    """The query, without an order.

    Args:
        wanted: the filter.
        user_id: who asks.
        now: the moment at which claims and ages are looked at.
    """
    asked = select(cases)
    if wanted.state is not CaseState.CLOSED:
        asked = asked.where(cases.c.closed_at.is_(None))
    for name in ("state", "kind", "category", "risk", "protected"):
        value = getattr(wanted, name)
        if value is not None:
            asked = asked.where(cases.c[name] == value)
    if wanted.clause is not None:
        asked = asked.where(cases.c.clauses.contains(f" {wanted.clause} "))
    if wanted.protected_class is not None:
        named = cases.c.protected_classes.contains(f" {wanted.protected_class} ", autoescape=True)
        asked = asked.where(cases.c.protected, named)
    if wanted.reported is not None:
        complaint = exists().where(reports.c.decision_id == cases.c.decision_id)
        asked = asked.where(complaint if wanted.reported else ~complaint)
    if wanted.older_than is not None:
        asked = asked.where(cases.c.opened_at <= now - timedelta(hours=wanted.older_than))
    if wanted.held is not None:
        asked = asked.where(_held(wanted.held, user_id, now))
    return asked


def _held(held: str, user_id: str, now: datetime) -> ColumnElement[bool]:
    runs = cases.c.claimed_until.is_not(None) & (cases.c.claimed_until > now)
    if held == "free":
        return ~runs
    mine = cases.c.claimed_by == user_id
    return runs & (mine if held == "mine" else ~mine)
