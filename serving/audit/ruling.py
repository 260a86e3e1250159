"""Third stage: scores, labels and the account's record become decisions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from labels.cases import LabelFacts, Strikes
from labels.events import EVENT, Event
from labels.jsonl import read_records
from labels.results import Suggestion, Version
from policy.cases import CATEGORIES, CLAUSES, PROTECTED, Bools, proposals
from policy.floors import REVIEWERS, STEPS
from policy.judge import SUGGESTIONS, Ruling, judge
from policy.ledger import Record, fold
from policy.resolve import Policy
from serving.audit.scoring import COVERAGE, HEADS, MACHINE, STAGE, STAGES, Floats, Scores
from serving.audit.tables import DECISIONS, FACTS, READ, replacing

_NO_STRIKES = Strikes()
#: any moment does where nothing happened before
_NOW = datetime(2000, 1, 1, tzinfo=UTC)


class History:
    """Records of accounts, folded from events (JSONL of :mod:`labels.events`)."""

    def __init__(self, path: Path | None, strike_days: int) -> None:
        """Read every event.

        Raises:
            InputError: a line is no event.
            LedgerError: events that cannot be a history.
        """
        self._days = strike_days
        events: dict[str, list[Event]] = {}
        for event in _events(path) if path else ():
            events.setdefault(event.account_id, []).append(event)
        self._records: dict[str, Record] = {name: fold(of) for name, of in events.items()}
        self._last = max((e.at for of in events.values() for e in of), default=_NOW)

    def record(self, account: str | None) -> Record:
        """Of one account, empty if nothing is known."""
        return self._records.get(account or "", Record(()))

    def moment(self, at: datetime | None) -> datetime:
        """When a post is judged; without a moment of its own, after the last event of all."""
        return at or self._last

    def strikes(self, account: str | None, at: datetime | None) -> Strikes:
        """What counted against an account when a post appeared."""
        if account not in self._records:
            return _NO_STRIKES
        return self._records[account].strikes(self.moment(at), self._days)


@dataclass(frozen=True, slots=True)
class Rules:
    """What decisions follow from beside the rows."""

    policy: Policy
    versions: Mapping[str, Version]
    history: History


def _events(path: Path) -> Iterator[Event]:
    with path.open("rb") as lines:
        yield from read_records(lines, EVENT, str(path), "event")


def rule_chunk(read: Path, target: Path, scores: Scores, rules: Rules) -> int:
    """Write the decisions on a chunk of rows; how many a person should look at."""
    table = pq.read_table(read, schema=READ)
    found = scores.of(table["input"].to_numpy())
    accounts, moments = table["account_id"].to_pylist(), table["published_at"].to_pylist()
    strikes = [rules.history.strikes(who, at) for who, at in zip(accounts, moments, strict=True)]
    facts = [facts_of(row) for row in table.select(FACTS.values()).to_pylist()]
    cases = proposals(found[:, : len(HEADS)], found[:, MACHINE], facts, strikes)
    ruling = judge(cases, rules.policy)
    columns: dict[str, Any] = {
        **{name: table[name] for name in DECISIONS.names if name in table.column_names},
        **_columns(ruling, found),
        "strikes": cases.strikes.tolist(),
        "model_sha256": [rules.versions["model"].sha256] * len(table),
        "policy_sha256": [rules.versions["policy"].sha256] * len(table),
    }
    with replacing(target) as part:
        pq.write_table(pa.table(columns, schema=DECISIONS), part, compression="zstd")
    return int((ruling.suggestion >= SUGGESTIONS.index(Suggestion.REVIEW)).sum())


def facts_of(row: Mapping[str, Any]) -> LabelFacts:
    """What the labels of a row say."""
    return LabelFacts(**{name: row[column] for name, column in FACTS.items()})


def _columns(ruling: Ruling, scores: Floats) -> dict[str, Any]:
    machine = scores[:, MACHINE]
    names = _names(CLAUSES, ruling.levels > 0)
    levels = [[SUGGESTIONS[level].value for level in row[row > 0]] for row in ruling.levels]
    return {
        "suggestion": [SUGGESTIONS[place].value for place in ruling.suggestion],
        **{category.value: ruling.scores[:, place] for place, category in enumerate(CATEGORIES)},
        "machine_written": pa.array(machine, mask=np.isnan(machine)),
        "clauses": names,
        "levels": levels,
        "protected": _names(PROTECTED, ruling.protected),
        "step": [STEPS[place].value for place in ruling.step],
        "days": ruling.days,
        "reviewers": [REVIEWERS[place] for place in ruling.step],
        "text_coverage": scores[:, COVERAGE],
        "stage": [STAGES[int(place)].value for place in scores[:, STAGE]],
    }


def _names(order: Sequence[str], named: Bools) -> list[list[str]]:
    return [[order[place] for place in np.flatnonzero(row).tolist()] for row in named]
