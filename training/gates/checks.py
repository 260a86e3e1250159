"""Each gate: what was found beside what is allowed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labels.release import Gate
from labels.results import Suggestion
from training.gates.config import Ceiling, GatesConfig
from training.gates.ranking import differences, worse
from training.release.rows import ScoredRows
from training.release.scored import Scored

_EXAMPLES = 10
_RAISED = (Suggestion.REVIEW.value, Suggestion.ACT.value)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models: heads, rows scored, and the suite as reported.

    ``export_loss`` is the average precision that each head lost in the export to 8 bits, on
    ``frozen.corpus``. ``past`` is what it suggests for posts that were decided on before.
    """

    heads: tuple[str, ...]
    frozen: ScoredRows
    export_loss: Mapping[str, float]
    suite: Mapping[str, Any]
    past: Sequence[str]


@dataclass(frozen=True, slots=True)
class Cost:
    """The candidate's: megabytes of its files, and a post's time over the champion's."""

    size_mb: float
    slowdown: float


def gates(
    champion: Side,
    candidate: Side,
    report: Mapping[str, Any],
    cost: Cost,
    past: Sequence[str],
    config: GatesConfig,
) -> Iterator[Gate]:
    """Every gate, in the order in which people read them.

    Args:
        champion: in force.
        candidate: to take its place.
        report: the candidate's release report.
        cost: of the candidate.
        past: ids of the posts that were decided on before.
        config: the limits.
    """
    yield _heads(champion, candidate)
    yield _ranking(champion.frozen, candidate.frozen, config)
    yield _export(candidate, config)
    yield from _suite(champion.suite, candidate.suite, config)
    protected = report["by_protected_class"]
    yield _false_flags("protected classes", protected, config.protected, candidate.frozen)
    yield _false_flags("genres", report["by_genre"], config.genre, candidate.frozen)
    yield _calibration(report["calibration"], config)
    yield _attacks(report["attacks"], config)
    yield _at_most("size", cost.size_mb, config.size_mb, "MB")
    yield _at_most("time a post", cost.slowdown, config.slowdown, "times the champion's")
    yield _past(champion.past, candidate.past, past, config)


def _heads(champion: Side, candidate: Side) -> Gate:
    lost = [head for head in champion.heads if head not in candidate.heads]
    return Gate(
        name="heads",
        passed=not lost,
        found=f"{len(lost)} of the champion's {len(champion.heads)} heads are missing",
        allowed="none",
        examples=tuple(lost),
    )


def _ranking(before: ScoredRows, after: ScoredRows, config: GatesConfig) -> Gate:
    found = differences(before.splits, after.splits, config.min_positives)
    fallen = worse(found, config.significance)
    return Gate(
        name="average precision",
        passed=not fallen,
        found=f"{len(fallen)} of {len(found)} heads and splits are worse",
        allowed=f"none at {config.significance} after Holm's correction",
        examples=tuple(
            f"{each.head}, {each.split}: {each.before} before, {each.after} after, p {each.p:.1e}"
            for each in fallen
        ),
    )


def _export(candidate: Side, config: GatesConfig) -> Gate:
    labels = candidate.frozen.corpus.rows
    lost = {
        head: loss
        for head, loss in candidate.export_loss.items()
        if (labels.labels_of([head]) == 1).sum() >= config.min_positives
    }
    above = {head: loss for head, loss in lost.items() if loss > config.export_loss}
    found = f"{max(lost.values(), default=0.0):.4f} of a head's average precision at most"
    return _none_beyond("export to 8 bits", above, found, f"{config.export_loss:g}", ".4f")


def _suite(
    before: Mapping[str, Any], after: Mapping[str, Any], config: GatesConfig
) -> Iterator[Gate]:
    old = {each["id"]: set(each["failed"]) for each in before["functionalities"]}
    new = {each["id"]: set(each["failed"]) for each in after["functionalities"]}
    lost = sum(map(len, new.values())) - sum(map(len, old.values()))
    fresh = sorted(case for name, failed in new.items() for case in failed - old[name])
    yield Gate(
        name="MisinfoCheck-zh",
        passed=lost <= config.suite.lost,
        found=f"{lost} cases fewer pass" if lost > 0 else f"{-lost} cases more pass",
        allowed=f"{config.suite.lost} fewer",
        examples=tuple(fresh[:_EXAMPLES]) if lost > config.suite.lost else (),
    )
    down = {name: len(failed) - len(old[name]) for name, failed in new.items()}
    far = {name: count for name, count in down.items() if count > config.suite.lost_in_one}
    yield Gate(
        name="functionalities of MisinfoCheck-zh",
        passed=not far,
        found=f"{len(far)} are down by more",
        allowed=f"each down by {config.suite.lost_in_one}",
        examples=tuple(f"{name}: {count} cases" for name, count in far.items()),
    )


def _false_flags(
    what: str, shares: Mapping[str, Any], ceiling: Ceiling, frozen: ScoredRows
) -> Gate:
    raised = {name: sum(found[level] for level in _RAISED) for name, found in shares.items()}
    above = {name: share for name, share in raised.items() if share > ceiling.of(name)}
    wrongly = (_wrongly_raised(frozen.corpus, name) for name in above)
    return Gate(
        name=f"false flags, {what}",
        passed=not above,
        found="; ".join(
            f"{name}: {share:.1%} to review, {ceiling.of(name):.1%} allowed"
            for name, share in above.items()
        )
        or f"at most {max(raised.values(), default=0):.1%} to review",
        allowed=f"{ceiling.default:.1%}, or what is excepted",
        examples=tuple(post for posts in wrongly for post in posts)[:_EXAMPLES],
    )


def _wrongly_raised(scored: Scored, protected: str) -> list[str]:
    """Ids of clean posts of a protected class that are sent to review."""
    raised = np.isin(scored.suggestions, _RAISED) & ~scored.wrong
    return [
        post.data_id
        for post, flagged in zip(scored.rows.posts, raised, strict=True)
        if flagged and protected in getattr(post, "protected", ())
    ]


def _calibration(by_category: Mapping[str, Any], config: GatesConfig) -> Gate:
    errors = {category: each["expected_error"] for category, each in by_category.items()}
    above = {name: error for name, error in errors.items() if error > config.calibration_error}
    found = f"at most {max(errors.values()):.4f}"
    return _none_beyond("calibration error", above, found, f"{config.calibration_error}", ".4f")


def _attacks(kept: Mapping[str, float], config: GatesConfig) -> Gate:
    below = {kind: share for kind, share in kept.items() if share < config.attacks_kept}
    found, allowed = f"at least {min(kept.values()):.1%}", f"{config.attacks_kept:.1%}"
    return _none_beyond("flags kept under disguise", below, found, allowed, ".1%")


def _none_beyond(
    name: str, beyond: Mapping[str, float], found: str, allowed: str, form: str
) -> Gate:
    """Shut by each that lies beyond what is allowed, all of which it names."""
    examples = tuple(f"{each}: {value:{form}}" for each, value in beyond.items())
    return Gate(name=name, passed=not beyond, found=found, allowed=allowed, examples=examples)


def _at_most(name: str, found: float, limit: float, unit: str) -> Gate:
    return Gate(
        name=name,
        passed=found <= limit,
        found=f"{found:.2f} {unit}",
        allowed=f"{limit:g} {unit}",
    )


def _past(
    before: Sequence[str], after: Sequence[str], posts: Sequence[str], config: GatesConfig
) -> Gate:
    moves = [
        f"{post}: {old} before, {new} after"
        for post, old, new in zip(posts, before, after, strict=True)
        if old != new
    ]
    share = len(moves) / len(posts) if posts else 0.0
    return Gate(
        name="past decisions",
        passed=share <= config.changed_decisions,
        found=f"{len(moves)} of {len(posts)} would be suggested otherwise",
        allowed=f"{config.changed_decisions:.1%}",
        examples=tuple(moves[:_EXAMPLES]),
    )
