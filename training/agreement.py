"""How far a blind second reader agrees with the first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError
from sklearn.metrics import cohen_kappa_score

from labels.errors import CorpusError
from labels.taxonomy import Category, taxonomy
from labels.yamlfile import Strict


class SecondReading(Strict):
    """One row read twice: the clauses each reader saw, and what was settled where they differ."""

    data_id: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    settled: tuple[str, ...] | None = None


def read_readings(path: Path) -> list[SecondReading]:
    """The readings in a JSONL file; ``CorpusError`` names the first line at fault."""
    readings = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            readings.append(SecondReading.model_validate_json(line))
        except ValidationError as error:
            raise CorpusError(f"{path}:{number}: {error.errors()[0]['msg']}") from None
    return readings


def agreement(readings: Sequence[SecondReading]) -> dict[str, Any]:
    """Cohen's kappa (Cohen 1960) of 'anything wrong', each category, each clause.

    Beside each: rows that the first reader, the second, and both marked. A clause that neither
    marked has no kappa.
    """
    known = taxonomy()
    marks = [({*r.first}, {*r.second}) for r in readings]
    units: dict[str, list[tuple[bool, bool]]] = {
        "anything wrong": [(bool(a), bool(b)) for a, b in marks]
    }
    for category in Category:
        own = {clause for clause, owner in known.category_of.items() if owner is category}
        units[category] = [(bool(a & own), bool(b & own)) for a, b in marks]
    for clause in known.clauses:
        units[clause] = [(clause in a, clause in b) for a, b in marks]
    table = {name: _compared(np.array(pairs, dtype=bool)) for name, pairs in units.items()}
    return {"rows": len(readings), "agreement": {k: v for k, v in table.items() if v}}


def _compared(pairs: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, float] | None:
    first, second = pairs[:, 0], pairs[:, 1]
    if not pairs.any():
        return None
    return {
        "first": int(first.sum()),
        "second": int(second.sum()),
        "both": int((first & second).sum()),
        "kappa": round(float(cohen_kappa_score(first, second)), 3),
    }
