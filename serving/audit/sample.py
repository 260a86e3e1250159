"""A random sample for people to judge, and what their answers say of the whole."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from labels.errors import InputError
from labels.label_events import WEIGHTS, LabelEvent, Origin
from labels.masking import masked_post
from labels.records import Post
from labels.samples import SampleAnswer, Verdict
from labels.taxonomy import Category
from serving.audit.plan import Plan
from serving.audit.sources import Sources
from serving.audit.summary import Found, Row, nearly
from serving.engine import parsed
from serving.intervals import Z, wilson

#: where the review level of each category begins; None where it is off
Review = Mapping[Category, float | None]

_SEED = "mingbian audit sample"


class Stratum(StrEnum):
    """Posts that are sampled apart. ``near`` passed, with at least half of a threshold's odds."""

    ACT = "act"
    REVIEW = "review"
    PROMPT = "prompt"
    NEAR = "near"
    PASS = "pass"  # noqa: S105 - not a password


#: in place of a stratum: picked for what a label teaches, so that it speaks of nothing but itself
CHOSEN = "chosen"
FLAGGED = (Stratum.ACT, Stratum.REVIEW)


@dataclass(frozen=True, slots=True)
class Planned:
    """A stratum, how many posts it has and how many are sampled.

    ``half_width``: of the 95 % interval of a share, at worst.
    """

    stratum: Stratum
    posts: int
    sample: int
    half_width: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its 95 % interval; ``judged`` answers speak of ``posts``."""

    posts: int
    judged: int
    violations: int
    share: float | None
    low: float | None
    high: float | None


def plan_sample(found: Found, review: Review, size: int) -> list[Planned]:
    """How a sample of a size is spread: evenly, and what a small stratum leaves to the others."""
    rows = found.rows(f"SELECT stratum, count(*) AS posts FROM {_strata(review)} GROUP BY ALL")
    named = {row["stratum"]: row["posts"] for row in rows}
    counts = {stratum: named.get(stratum.value, 0) for stratum in Stratum}
    taken = _spread(counts, size)
    return [
        Planned(stratum, posts, taken[stratum], _half_width(taken[stratum], posts))
        for stratum, posts in counts.items()
    ]


def draw(found: Found, review: Review, planned: Sequence[Planned]) -> list[Row]:
    """The sampled decisions, each with its ``stratum``, in the order of rows.

    Of one stratum a larger sample holds every smaller one.
    """
    wanted = {each.stratum.value: each.sample for each in planned}
    rows = found.rows(
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY stratum ORDER BY md5(? || row), "
        f"row) AS place FROM {_strata(review)}) WHERE place <= ? ORDER BY row",
        _SEED,
        max(wanted.values(), default=0),
    )
    return [row for row in rows if row["place"] <= wanted[row["stratum"]]]


def posts_of(sources: Sources, rows: Sequence[Row]) -> Iterator[tuple[Row, Post]]:
    """Decisions with their posts, read again, in the order of rows.

    Raises:
        InputError: a row is not the post that was decided on.
    """
    wanted = {row["row"]: row for row in rows}
    last = max(wanted, default=0)
    for number, row in enumerate(sources.rows(), 1):
        if number > last:
            return
        if number in wanted:
            post = parsed(row.item)
            if not isinstance(post, Post) or post.data_id != wanted[number]["data_id"]:
                raise InputError(
                    f"{row.file}:{row.number} is not post {wanted[number]['data_id']!r} any more",
                    remedy="bring the input back as it was",
                )
            yield wanted[number], post


def estimates(
    planned: Mapping[Stratum, int], answers: Sequence[SampleAnswer]
) -> dict[str, Estimate]:
    """Shares of violations by stratum, of what was flagged, and of all.

    A stratum's interval is Wilson's (1927); that of several weighs the strata by their size
    (Cochran 1977, 5.3), and there is none where a stratum has fewer than two answers. Who was
    unsure does not count.

    Args:
        planned: how many posts each stratum has.
        answers: people's.

    Raises:
        InputError: an answer is of a chosen post.
    """
    if drawn_by_choice(answers):
        raise InputError(
            "the posts of label-next were chosen, so answers on them tell no share of the audit",
            remedy="give --out and SOURCE to write them as label events; draw with label-sample",
        )
    judged: Counter[Stratum] = Counter()
    wrong: Counter[Stratum] = Counter()
    for answer in answers:
        if answer.verdict is not Verdict.UNSURE:
            judged[Stratum(answer.stratum)] += 1
            wrong[Stratum(answer.stratum)] += answer.verdict is Verdict.VIOLATION
    found = {s.value: _wilson(posts, judged[s], wrong[s]) for s, posts in planned.items()}
    found["flagged"] = _weighed([found[s.value] for s in FLAGGED if planned.get(s)])
    found["all"] = _weighed([found[s.value] for s, posts in planned.items() if posts])
    return found


def drawn_by_choice(answers: Sequence[SampleAnswer]) -> bool:
    """Whether any of the posts was chosen, and not drawn at random."""
    return any(answer.stratum == CHOSEN for answer in answers)


def as_events(
    answers: Sequence[SampleAnswer], posts: Mapping[int, Post], plan: Plan, now: datetime
) -> Iterator[LabelEvent]:
    """Answers as label events, personal data masked.

    Args:
        answers: people's.
        posts: by row.
        plan: of the audit.
        now: when they were handed in.
    """
    for answer in answers:
        origin = Origin.CHOSEN if answer.stratum == CHOSEN else Origin.SAMPLE
        yield LabelEvent(
            event_id=f"{plan.model.sha256[:12]}.{answer.row}.{answer.annotator}",
            at=now,
            origin=origin,
            annotator=answer.annotator,
            post=masked_post(posts[answer.row]),
            verdict=answer.verdict,
            clauses=answer.clauses,
            weight=WEIGHTS[origin],
            model=plan.model,
            policy=plan.policy,
        )


def _strata(review: Review) -> str:
    """SQL: every decision with the name of its stratum."""
    return (
        "(SELECT *, CASE WHEN suggestion <> 'pass' THEN suggestion "
        f"WHEN {nearly(review)} THEN 'near' ELSE 'pass' END AS stratum FROM decisions)"
    )


def _spread(counts: Mapping[Stratum, int], size: int) -> dict[Stratum, int]:
    taken = dict.fromkeys(counts, 0)
    left = min(size, sum(counts.values()))
    while left:
        unfilled = [stratum for stratum in counts if taken[stratum] < counts[stratum]]
        share = max(1, left // len(unfilled))
        for stratum in unfilled:
            more = min(share, counts[stratum] - taken[stratum], left)
            taken[stratum] += more
            left -= more
    return taken


def _half_width(sample: int, posts: int) -> float | None:
    if not sample:
        return None
    return Z * math.sqrt(0.25 / sample * (posts - sample) / max(1, posts - 1))


def _wilson(posts: int, judged: int, violations: int) -> Estimate:
    if not judged:
        return Estimate(posts, 0, 0, None, None, None)
    return Estimate(posts, judged, violations, violations / judged, *wilson(violations, judged))


def _weighed(strata: Sequence[Estimate]) -> Estimate:
    posts = sum(each.posts for each in strata)
    judged, wrong = sum(each.judged for each in strata), sum(each.violations for each in strata)
    if not strata or any(each.judged < 2 for each in strata):  # noqa: PLR2004  a variance needs two
        return Estimate(posts, judged, wrong, None, None, None)
    share = sum(each.posts * (each.share or 0.0) for each in strata) / posts
    spread = Z * math.sqrt(sum(_variance(each) * (each.posts / posts) ** 2 for each in strata))
    return Estimate(posts, judged, wrong, share, max(0.0, share - spread), min(1.0, share + spread))


def _variance(of: Estimate) -> float:
    """Of a stratum's share; one answer more of each kind keeps it from zero (Agresti 1998)."""
    share = (of.violations + 1) / (of.judged + 2)
    return share * (1 - share) / (of.judged - 1) * (1 - of.judged / of.posts)
