"""Cases as columns: one row each, so that one post and a million get the same answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labels.cases import Aggravator, Case, ClaimStatus, Findings, LabelFacts, Mitigator, Strikes
from labels.results import HeadScores
from labels.taxonomy import Category, taxonomy

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

CATEGORIES = tuple(Category)
CLAUSES = tuple(taxonomy().clauses)
PROTECTED = tuple(taxonomy().protected)
AGGRAVATORS = tuple(Aggravator)
MITIGATORS = tuple(Mitigator)
STATUSES = tuple(ClaimStatus)
#: the category of each clause, by place
OWNER: Ints = np.array([CATEGORIES.index(taxonomy().category_of[clause]) for clause in CLAUSES])

#: what a proposal takes for granted, and says so: reviewers would confirm all that it requires
_CONFIRMED = Findings(
    clauses=(),
    claim_status=ClaimStatus.FALSE,
    evidence=("assumed",),
    account_evidence=("assumed",),
    intent=True,
    sentence="assumed",
    reviewers=("first", "second"),
)


@dataclass(frozen=True, slots=True)
class Cases:
    """Columns of equal length.

    ``categories``, ``clauses``, ``protected``: probabilities as the model gives them, in the
    order of the taxonomy. ``machine_written`` is NaN where it is unknown. ``judged``: people have
    looked; where they have not, the columns of findings hold what a proposal takes for granted.
    ``upheld``: the clauses they uphold. ``strikes``: warnings, short and long mutes that count.
    """

    categories: Floats
    clauses: Floats
    protected: Floats
    machine_written: Floats
    ai_labelled: Bools
    fiction_labelled: Bools
    ai_confirmed: Bools
    unlabelled: Bools
    judged: Bools
    upheld: Bools
    found_protected: Bools
    status: Ints
    evidence: Bools
    account_evidence: Bools
    intent: Bools
    sentence: Bools
    forwarded: Bools
    aggravators: Bools
    mitigators: Bools
    reviewers: Ints
    closure: Bools
    strikes: Ints

    def __len__(self) -> int:
        return len(self.judged)


def one(scores: HeadScores, labels: LabelFacts, strikes: Strikes, found: Findings | None) -> Cases:
    """A single post; ``KeyError`` if a head has no score, which would read as nothing wrong."""
    machine = np.nan if scores.machine_written is None else scores.machine_written
    heads = np.array([[scores.heads[head] for head in taxonomy().heads]])
    return _columns(heads, np.array([machine]), [labels], [strikes], [found])


def many(cases: Sequence[Case]) -> Cases:
    """Cases from a file."""
    heads = np.array([[case.scores[head] for head in taxonomy().heads] for case in cases])
    machine = [np.nan if c.machine_written is None else c.machine_written for c in cases]
    return _columns(
        heads.reshape(len(cases), len(taxonomy().heads)),
        np.array(machine, dtype=np.float64),
        [case.labels for case in cases],
        [case.strikes for case in cases],
        [case.findings for case in cases],
    )


def proposals(
    heads: Floats, machine: Floats, labels: Sequence[LabelFacts], strikes: Sequence[Strikes]
) -> Cases:
    """Posts that nobody has looked at.

    Args:
        heads: shape (posts, heads), probabilities in the order of the taxonomy.
        machine: shape (posts,), the machine-written score, NaN where it is unknown.
        labels: of each post.
        strikes: of each post's account.
    """
    return _columns(heads, machine, labels, strikes, [None] * len(labels))


def _columns(
    heads: Floats,
    machine: Floats,
    labels: Sequence[LabelFacts],
    strikes: Sequence[Strikes],
    findings: Sequence[Findings | None],
) -> Cases:
    edges = np.cumsum([len(CATEGORIES), len(CLAUSES)])
    categories, clauses, protected = np.split(heads, edges, axis=1)
    found = [each or _CONFIRMED for each in findings]
    return Cases(
        categories=categories,
        clauses=clauses,
        protected=protected,
        machine_written=machine,
        ai_labelled=_bools([each.ai for each in labels]),
        fiction_labelled=_bools([each.fiction for each in labels]),
        ai_confirmed=_bools([each.ai_confirmed for each in labels]),
        unlabelled=_bools([each.none for each in labels]),
        judged=_bools([each is not None for each in findings]),
        upheld=_named(CLAUSES, [each.clauses for each in found]),
        found_protected=_named(PROTECTED, [each.protected for each in found]),
        status=np.array([STATUSES.index(each.claim_status) for each in found], dtype=np.int64),
        evidence=_bools([bool(each.evidence) for each in found]),
        account_evidence=_bools([bool(each.account_evidence) for each in found]),
        intent=_bools([each.intent for each in found]),
        sentence=_bools([bool(each.sentence) for each in found]),
        forwarded=_bools([each.forwarded for each in found]),
        aggravators=_named(AGGRAVATORS, [each.aggravators for each in found]),
        mitigators=_named(MITIGATORS, [each.mitigators for each in found]),
        reviewers=np.array([len(each.reviewers) for each in found], dtype=np.int64),
        closure=_bools([each.closure for each in found]),
        strikes=np.array(
            [(s.warning, s.short_mute, s.long_mute) for s in strikes], dtype=np.int64
        ).reshape(-1, 3),
    )


def _bools(values: Sequence[bool]) -> Bools:
    return np.array(values, dtype=bool)


def _named(order: Sequence[str], rows: Sequence[Sequence[str]]) -> Bools:
    """Shape (rows, names): which names each row has."""
    places = {name: place for place, name in enumerate(order)}
    found = np.zeros((len(rows), len(order)), dtype=bool)
    named = [(row, places[name]) for row, names in enumerate(rows) for name in names]
    if named:
        found[tuple(np.transpose(named))] = True
    return found
