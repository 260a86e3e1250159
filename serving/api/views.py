"""Rows of the store as the API shows them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection, RowMapping

from labels.results import Step
from serving.review import kept_decision, reasons_of
from serving.shapes import DecisionView

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
