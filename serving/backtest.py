"""What another pack would have made of the newest decisions that are kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from labels.cases import Case
from labels.results import Version
from policy.backtest import compare, report
from policy.resolve import Policy
from serving.appeals import OVERTURNED
from serving.store.schema import appeals, decisions

#: decisions that are looked at
NEWEST = 5_000


@dataclass(frozen=True, slots=True)
class Backtest:
    """``report`` as :func:`policy.backtest.report`; None where nothing is kept.

    ``cases`` were made by one model; of these people had decided ``judged``, the others are
    compared as proposals.
    """

    cases: int
    judged: int
    report: Mapping[str, Any] | None


def backtest(connection: Connection, model: Version, old: Policy, new: Policy) -> Backtest:
    """Rule on the newest decisions under two policies.

    Args:
        connection: to read from.
        model: whose decisions are looked at, ``NEWEST`` at most.
        old: a policy, resolved for that model.
        new: another.
    """
    rows = _newest(connection, model)
    if not rows:
        return Backtest(0, 0, None)
    cases = [_case(row) for row in rows]
    found = report(compare(cases, old, new))
    return Backtest(len(cases), sum(case.findings is not None for case in cases), found)


def _newest(connection: Connection, model: Version) -> list[RowMapping]:
    asked = (
        select(decisions.c.case, decisions.c.ruled, appeals.c.outcome)
        .join(appeals, appeals.c.decision_id == decisions.c.decision_id, isouter=True)
        .where(decisions.c.versions.startswith(f"{model.sha256} "))
        .order_by(decisions.c.decision_id.desc())
        .limit(NEWEST)
    )
    return list(connection.execute(asked).mappings())


def _case(row: RowMapping) -> Case:
    """As people decided it, or as it was scored."""
    kept = row["ruled"]["case"] if row["ruled"] else row["case"]
    overturned = row["outcome"] == OVERTURNED
    return Case.model_validate({**kept, "overturned": overturned}, strict=False)
