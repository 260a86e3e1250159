"""What the pages of models show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from classifiers.bundle import Bundle
from labels.errors import InputError, ModelError
from labels.release import Screening
from labels.taxonomy import Category
from serving.api.models import get_model, list_models
from serving.console.watched import newest_report
from serving.desk import Desk
from serving.hidden import visible
from serving.model_shapes import ModelDetail, ModelShadowView
from serving.people import Caller, Role
from serving.precision import verdict_counts
from serving.registry import Registry, screening_of

CARD = "README.md"
#: the split of a bundle's own evaluation that is told
_SPLIT = "held_out_groups"


@dataclass(frozen=True, slots=True)
class Live:
    """Of a category's reviews that people closed: ``upheld`` of ``judged``."""

    category: str
    upheld: int
    judged: int


@dataclass(frozen=True, slots=True)
class LivePrecision:
    """Of a version, as it stood ``at`` a moment."""

    at: datetime
    categories: Sequence[Live]


def models_context(desk: Desk, reports: Path | None) -> dict[str, Any]:
    """Every version, how a candidate that looks on agrees, and what drifts.

    ``reports`` is the folder of those of ``mingbian watch``.
    """
    shadow = desk.engine.model_shadow
    found = list_models(desk).models
    return {
        "models": found,
        **_drift(reports),
        "unloaded": desk.follower.unloaded,
        "shadow": ModelShadowView.model_validate(shadow.report()) if shadow else None,
    }


def model_context(desk: Desk, sha256: str, caller: Caller) -> dict[str, Any]:
    """A version: gates, lineage, releases, its own evaluation and card, and what may be done.

    Raises:
        NotFoundError: there is no such version.
    """
    found = get_model(sha256, desk)
    bundle = _bundle(desk.follower.registry, sha256)
    return {
        "detail": found,
        "known": {each.sha256 for each in list_models(desk).models},
        "metrics": _metrics(bundle),
        "card": _card(bundle),
        "screening": _screening(bundle),
        "stages": _stages(found) if Role.POLICY_ADMIN in caller.roles else [],
        "added_by_caller": found.model.added_by == caller.user_id,
    }


def live_precision(desk: Desk, sha256: str) -> LivePrecision:
    """Of a version's decisions, by category of the first suspicion."""
    counts: dict[str, list[int]] = {category.value: [0, 0] for category in Category}
    with desk.database.read() as connection:
        for category, upheld, count in verdict_counts(connection, sha256):
            counts[category][not upheld] += count
    categories = [Live(name, right, right + wrong) for name, (right, wrong) in counts.items()]
    return LivePrecision(datetime.now(UTC), categories)


def _drift(reports: Path | None) -> dict[str, Any]:
    """``watched`` is None without a report; ``fault`` says why the newest cannot be read."""
    try:
        return {"watched": newest_report(reports) if reports else None, "fault": None}
    except InputError as error:
        return {"watched": None, "fault": error}


def _stages(found: ModelDetail) -> list[str]:
    """What a version can be made, from what it is."""
    if found.model.stage == "champion":
        return []
    ends = ["archived"] if found.model.stage else []
    return ["shadow", "canary", "champion", *ends]


def _bundle(registry: Registry, sha256: str) -> Bundle | None:
    try:
        return registry.manifest(sha256)
    except ModelError:
        return None


def _screening(bundle: Bundle | None) -> Screening | None:
    try:
        return screening_of(bundle) if bundle else None
    except ModelError:
        return None


def _metrics(bundle: Bundle | None) -> Mapping[str, float]:
    """Average precision on rows it did not learn from, by category; what the bundle says."""
    split: Any = bundle.manifest.metrics.get(_SPLIT, {}) if bundle else {}
    found: Any = split.get("average_precision", {}) if isinstance(split, dict) else {}
    return {name.value: float(found[name.value]) for name in Category if name.value in found}


def _card(bundle: Bundle | None) -> str | None:
    path = bundle.folder / CARD if bundle else None
    return visible(path.read_text("utf-8", "replace")) if path and path.is_file() else None
