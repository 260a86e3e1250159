"""Rows of the store as the API shows them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection, RowMapping, func, select

from labels.records import Post
from labels.results import Step
from serving.accounts import record_view
from serving.lineup import Active
from serving.queue import held_by
from serving.review import find_decision, kept_decision, reasons_of
from serving.shapes import CaseDetail, CaseView, DecisionView, RecordView
from serving.store.schema import appeals, posts, reports

_Shape = TypeVar("_Shape", bound=BaseModel)


def show(shape: type[_Shape], row: Mapping[str, Any] | RowMapping, **more: Any) -> _Shape:
    """A row in a shape of the API, of whose fields all are columns or given as ``more``."""
    fields = {name: row[name] for name in shape.model_fields if name not in more}
    return shape.model_validate({**fields, **more}, strict=False)


def decision_view(connection: Connection, row: RowMapping) -> DecisionView:
    """A decision, with its trace and reasons if it was taken."""
    kept = kept_decision(row) if row["ruled"] else None
    told = reasons_of(connection, row) if kept and kept.step is not Step.NONE else None
    return show(
        DecisionView,
        row,
        step=kept.step if kept else None,
        days=kept.days if kept else None,
        trace=list(kept.trace) if kept else [],
        reasons={"zh": told.zh, "en": told.en} if told else None,
    )


def case_view(row: RowMapping) -> CaseView:
    """A case as it is now: a claim that lapsed is none."""
    holder = held_by(row, datetime.now(UTC))
    until = row["claimed_until"] if holder else None
    return show(CaseView, row, claimed_by=holder, claimed_until=until)


def case_detail(
    connection: Connection, case: RowMapping, active: Active, now: datetime
) -> CaseDetail:
    """A case with the post, why it was scored so, the account's record and what others said."""
    decision = find_decision(connection, case["decision_id"])
    record = record_view(connection, decision["account_id"], active, now)
    return CaseDetail(
        case=case_view(case),
        post=kept_post(connection, decision),
        decision=decision_view(connection, decision),
        record=RecordView.model_validate(record, strict=False),
        reports=_complaints(connection, decision["decision_id"]),
        first=case["first"],
        appeal=connection.scalar(
            select(appeals.c.statement).where(appeals.c.decision_id == decision["decision_id"])
        ),
    )


def kept_post(connection: Connection, decision: Mapping[str, Any] | RowMapping) -> Post | None:
    """The post of a decision; None where it was erased."""
    kept: Any = connection.scalar(
        select(posts.c.post).where(
            posts.c.data_id == decision["data_id"],
            posts.c.content_sha256 == decision["content_sha256"],
        )
    )
    return None if kept is None else Post.model_validate(kept, strict=False)


def _complaints(connection: Connection, decision_id: str) -> int:
    asked = select(func.count()).select_from(reports).where(reports.c.decision_id == decision_id)
    return connection.scalar(asked) or 0
