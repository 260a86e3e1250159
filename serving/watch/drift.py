"""What changed between two periods: what came in, what the model said of it, and the words."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from classifiers.rendering import content
from labels.records import Declared, Post
from labels.taxonomy import Category, taxonomy
from serving.watch.embedding import embedding
from serving.watch.kept import Kept
from serving.watch.limits import DriftLimits
from serving.watch.periods import BEIJING
from serving.watch.two_samples import Compared, holm, kolmogorov_smirnov, shares, told_apart

#: platforms that are told apart
_PLATFORMS = 20
#: hours that are one
_HOURS = 3
_SEED = 20250729
_ABSENT, _OTHERS = "absent", "others"


@dataclass(frozen=True, slots=True)
class Drift:
    """A test of one property. ``found`` is None where a period has too few accounts.

    ``now`` and ``before`` are what moved most: a median, the share of ``value``, or the share of
    each period that a classifier tells rightly (``now`` alone). ``p_value`` is corrected for all
    tests of the report.
    """

    group: str
    name: str
    accounts: tuple[int, int]
    found: Compared | None = None
    p_value: float | None = None
    alarm: bool = False
    now: float | None = None
    before: float | None = None
    value: str | None = None


Sides = tuple[Sequence[Kept], Sequence[Kept]]


def drift(now: Sequence[Kept], before: Sequence[Kept], limits: DriftLimits) -> list[Drift]:
    """Every property of two periods, tested.

    Args:
        now: decisions of the period that is watched, one of each account that was drawn.
        before: the same of what it is held against.
        limits: from where on a difference raises an alarm.
    """
    found = list(_tests((now, before), limits.least_accounts, np.random.default_rng(_SEED)))
    tested = [each for each in found if each.found]
    corrected = holm([each.found.p_value for each in tested if each.found])
    p_values = dict(zip(((each.group, each.name) for each in tested), corrected, strict=True))
    return [_judged(each, p_values.get((each.group, each.name)), limits) for each in found]


def _judged(each: Drift, p_value: float | None, limits: DriftLimits) -> Drift:
    if each.found is None or p_value is None:
        return each
    alarm = p_value <= limits.level and each.found.shift >= limits.shift
    return replace(each, p_value=p_value, alarm=alarm)


def _tests(sides: Sides, least: int, random: np.random.Generator) -> Iterator[Drift]:
    posts = tuple([kept for kept in side if kept.post is not None] for side in sides)
    known: Sides = (posts[0], posts[1])
    yield _of_numbers(
        "input", "length", known, least, lambda kept: float(len(content(_post(kept))))
    )
    for name, read in _facts(known):
        yield _of_names("input", name, known, least, random, read)
    for category in Category:
        yield _of_numbers("score", category.value, sides, least, _score_of(category))
    yield _of_names(
        "decision", "suggestion", sides, least, random, lambda kept: kept.result.suggestion.value
    )
    for clause in taxonomy().clauses:
        yield _of_names("clause", clause, sides, least, random, _raises(clause))
    yield _of_words(known, least, random)


def _facts(known: Sides) -> Iterator[tuple[str, Callable[[Kept], str]]]:
    """What is known of a post beside its words."""
    platforms = Counter(_post(kept).platform for side in known for kept in side)
    largest = {name for name, _ in platforms.most_common(_PLATFORMS)}
    yield "platform", lambda kept: _platform(_post(kept), largest)
    yield "author", lambda kept: "given" if _post(kept).author else _ABSENT
    yield "account_type", lambda kept: getattr(_post(kept).author, "verified_as", None) or _ABSENT
    yield "declared", lambda kept: "given" if _post(kept).declared else _ABSENT
    for name in Declared.model_fields:
        yield f"declared.{name}", _declares(name)
    yield "hour", lambda kept: _hours(_post(kept))


def _post(kept: Kept) -> Post:
    if kept.post is None:
        raise ValueError(f"the post of {kept.decision_id} was erased")
    return kept.post


def _platform(post: Post, largest: set[str | None]) -> str:
    if post.platform is None:
        return _ABSENT
    return post.platform if post.platform in largest else _OTHERS


def _declares(name: str) -> Callable[[Kept], str]:
    def read(kept: Kept) -> str:
        value = getattr(_post(kept).declared, name, None)
        if value is None:
            return _ABSENT
        return str(value).lower() if isinstance(value, bool) else "given"

    return read


def _hours(post: Post) -> str:
    """Of publication, in Beijing; a time without a zone is Beijing's."""
    if post.published_at is None:
        return _ABSENT
    at = post.published_at
    hour = at.hour if at.tzinfo is None else at.astimezone(BEIJING).hour
    start = hour // _HOURS * _HOURS
    return f"{start:02}-{start + _HOURS:02}"


def _score_of(category: Category) -> Callable[[Kept], float]:
    return lambda kept: kept.result.scores[category]


def _raises(clause: str) -> Callable[[Kept], str]:
    return lambda kept: "raised" if any(f.clause == clause for f in kept.result.labels) else _ABSENT


def _of_numbers(
    group: str, name: str, sides: Sides, least: int, read: Callable[[Kept], float]
) -> Drift:
    if min(map(len, sides)) < least:
        return Drift(group, name, (len(sides[0]), len(sides[1])))
    now, before = (np.array([read(kept) for kept in side]) for side in sides)
    return Drift(
        group,
        name,
        (len(now), len(before)),
        kolmogorov_smirnov(now, before),
        now=float(np.median(now)),
        before=float(np.median(before)),
    )


def _of_names(
    group: str,
    name: str,
    sides: Sides,
    least: int,
    random: np.random.Generator,
    read: Callable[[Kept], str],
) -> Drift:
    accounts = (len(sides[0]), len(sides[1]))
    if min(accounts) < least:
        return Drift(group, name, accounts)
    now, before = (Counter(map(read, side)) for side in sides)
    parts = {
        value: (now[value] / accounts[0], before[value] / accounts[1])
        for value in sorted({*now, *before})
    }
    value = max(parts, key=lambda each: abs(parts[each][0] - parts[each][1]))
    if group == "clause":
        value = "raised"
    part = parts.get(value, (0.0, 0.0))
    found = shares(now, before, random)
    return Drift(group, name, accounts, found, now=part[0], before=part[1], value=value)


def _of_words(known: Sides, least: int, random: np.random.Generator) -> Drift:
    accounts = (len(known[0]), len(known[1]))
    if min(accounts) < least:
        return Drift("embedding", "words", accounts)
    now, before = (np.stack([embedding(_post(kept)) for kept in side]) for side in known)
    found = told_apart(now, before, random)
    return Drift("embedding", "words", accounts, found, now=found.statistic)
