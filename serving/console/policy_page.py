"""What the pages of policy packs show."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from policy.backtest_page import flow
from policy.differences import Change, changes
from policy.pack import LoadedPack
from policy.resolve import resolve
from serving.api.policies import list_policies
from serving.backtest import Backtest, backtest
from serving.desk import Desk
from serving.model_shapes import PackShadowView
from serving.packs import find_pack, pack_of
from serving.people import Caller
from serving.shapes import PolicyView


@dataclass(frozen=True, slots=True)
class Compared:
    """Two packs, and what differs."""

    old: LoadedPack
    new: LoadedPack
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class Tested:
    """A backtest of the decisions that were kept ``at`` a moment."""

    at: datetime
    backtest: Backtest


def policies_context(desk: Desk) -> dict[str, Any]:
    """Every pack, and a candidate's agreement with the one in force."""
    shadow = desk.engine.pack_shadow
    return {
        "policies": list_policies(desk).policies,
        "shadow": PackShadowView.model_validate(shadow.report()) if shadow else None,
    }


def compared(desk: Desk, sha256: str, against: str) -> Compared:
    """A pack beside another, the one in force where none is named; raises ``NotFoundError``."""
    with desk.database.read() as connection:
        find_pack(connection, sha256)
        old = against or desk.engine.active.loaded.version.sha256
        packs = pack_of(connection, old), pack_of(connection, sha256)
    return Compared(*packs, changes(*packs))


def backtested(desk: Desk, found: Compared) -> Tested:
    """Both packs on the newest decisions of the champion."""
    scorer = desk.engine.lineup.champion.scorer
    old, new = (resolve(each.pack, scorer.operating) for each in (found.old, found.new))
    with desk.database.read() as connection:
        return Tested(datetime.now(UTC), backtest(connection, scorer.version, old, new))


def policy_context(
    policies: list[PolicyView], found: Compared, tested: Tested | None, caller: Caller
) -> dict[str, Any]:
    """A pack: who proposed it, what it changes, and whether the caller may activate it."""
    mine = next(each for each in policies if each.sha256 == found.new.version.sha256)
    report = tested.backtest.report if tested else None
    return {
        "policy": mine,
        "others": [each for each in policies if each.sha256 != mine.sha256],
        "compared": found,
        "tested": tested,
        "report": report,
        "flow": flow(report["moves"]) if report else None,
        "proposed_by_caller": mine.proposed_by == caller.user_id,
    }
