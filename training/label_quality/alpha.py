"""Agreement of several people, by clause."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labels.label_events import LabelEvent
from labels.samples import Verdict
from labels.taxonomy import taxonomy


def krippendorff_alpha(units: Iterable[Sequence[bool]]) -> float | None:
    """Alpha of nominal data with two values (Krippendorff 2011, *Computing Krippendorff's Alpha*).

    1 is perfect agreement, 0 that of chance, below 0 worse than chance.

    Args:
        units: what each judge said of a unit, in any number; those with one judge say nothing.

    Returns:
        None where no unit has two judges, or all said the same of everything.
    """
    paired = [unit for unit in units if len(unit) > 1]
    total = sum(map(len, paired))
    yes = sum(map(sum, paired))
    chance = yes * (total - yes)
    if not chance:
        return None
    differ = sum(sum(unit) * (len(unit) - sum(unit)) / (len(unit) - 1) for unit in paired)
    return 1 - (total - 1) * differ / chance


def agreement(events: Iterable[LabelEvent]) -> dict[str, Any]:
    """Alpha of 'anything wrong' and of each clause over posts that several people judged.

    A person's last word on a post counts, a doubt does not. ``posts`` have two judges or more.
    """
    units = [list(unit.values()) for unit in _by_post(events).values() if len(unit) > 1]
    found = {"anything wrong": krippendorff_alpha([bool(c) for c in unit] for unit in units)}
    for clause in taxonomy().clauses:
        found[clause] = krippendorff_alpha([clause in c for c in unit] for unit in units)
    return {
        "posts": len(units),
        "alpha": {name: round(alpha, 3) for name, alpha in found.items() if alpha is not None},
    }


def _by_post(
    events: Iterable[LabelEvent],
) -> Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]:
    """Clauses by post and annotator."""
    found: dict[tuple[str, str], dict[str, tuple[str, ...]]] = defaultdict(dict)
    for event in sorted(events, key=lambda event: event.at):
        if event.verdict is not Verdict.UNSURE:
            key = event.post.data_id, event.post.content_sha256
            found[key][event.annotator] = event.clauses
    return found
