"""What no pack can switch off: how far a step may go, clause by clause, whatever the scores.

Each floor is a function from cases to the harshest step each clause may bear, as shape
(rows, clauses) of places in ``STEPS``. Sources: the notice of 2025-07-29, the labelling
measures, and the rules of the project's taxonomy (E1 to E10).
"""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from labels.cases import Aggravator, ClaimStatus
from labels.results import Step
from labels.taxonomy import Category
from policy.cases import AGGRAVATORS, CATEGORIES, CLAUSES, OWNER, STATUSES, Bools, Cases, Ints

STEPS = tuple(Step)
NONE, PROMPT, WARNING, SHORT_MUTE, LONG_MUTE, CLOSURE = range(len(STEPS))

#: different persons who must agree before a step
REVIEWERS = {NONE: 0, PROMPT: 0, WARNING: 1, SHORT_MUTE: 1, LONG_MUTE: 2, CLOSURE: 2}
#: upheld short mutes that stand for an aggravator when an account is to be closed
SHORT_MUTES_FOR_CLOSURE = 3

#: coordination, rankings, templates and identity never show in one post (rule E6)
ACCOUNT_CLAUSES = ("1.1", "1.2", "1.6", "2.6", "4.1", "4.2", "4.5", "4.6")
#: who someone is: with a profit route, closure is open
IDENTITY_CLAUSES = ("1.1", "1.2", "2.2", "4.1")
#: category 3 is about labels; these two may go one step further (rule E5)
FALSE_SOURCE, OBSCURED_LABEL = "3.3", "3.6"
#: papers that are missing or expired are not false papers
CREDENTIAL_MISSING = "4.2"

Floor = Callable[[Cases], Ints]


@cache
def _clauses(*names: str) -> Bools:
    """Which clauses are meant, shape (clauses,)."""
    return np.isin(CLAUSES, names)


@cache
def _of(*categories: Category) -> Bools:
    return np.isin(OWNER, [CATEGORIES.index(category) for category in categories])


def _at_most(step: int, rows: Bools, clauses: Bools) -> Ints:
    """That step where both hold, any step elsewhere."""
    return np.where(rows[:, None] & clauses[None, :], step, CLOSURE)


_ALL: Bools = np.ones(len(CLAUSES), dtype=bool)


def people_decide(cases: Cases) -> Ints:
    """Warning and short mute need one reviewer, long mute and closure two different ones."""
    alone = _at_most(SHORT_MUTE, cases.reviewers < REVIEWERS[LONG_MUTE], _ALL)
    return np.minimum(alone, _at_most(PROMPT, cases.reviewers < REVIEWERS[WARNING], _ALL))


def evidence_on_file(cases: Cases) -> Ints:
    """No step above a prompt without evidence."""
    return _at_most(PROMPT, ~cases.evidence, _ALL)


def unknown_is_not_false(cases: Cases) -> Ints:
    """In categories 1, 2 and 4 a claim must be found false or misleading (rule E1)."""
    false, misleading = map(STATUSES.index, (ClaimStatus.FALSE, ClaimStatus.MISLEADING))
    known = (cases.status == false) | (cases.status == misleading)
    claims = _of(Category.IMPERSONATION, Category.DISTORTION, Category.FALSE_SPECIALIST)
    return _at_most(PROMPT, ~known, claims)


def labels_are_not_lies(cases: Cases) -> Ints:
    """Category 3 never passes warning; a false source and a label hidden on purpose one more."""
    everyone = np.ones(len(cases), dtype=bool)
    plain = _of(Category.UNLABELED_AI) & ~_clauses(FALSE_SOURCE, OBSCURED_LABEL)
    found = _at_most(WARNING, everyone, plain)
    graver = _at_most(SHORT_MUTE, everyone, _clauses(FALSE_SOURCE, OBSCURED_LABEL))
    careless = _at_most(PROMPT, ~cases.intent, _clauses(OBSCURED_LABEL))
    return np.minimum(np.minimum(found, graver), careless)


def speech_is_protected(cases: Cases) -> Ints:
    """Protected speech needs the one sentence that is false, named by a person (rule E7)."""
    return _at_most(PROMPT, cases.found_protected.any(axis=1) & ~cases.sentence, _ALL)


def one_post_is_not_an_account(cases: Cases) -> Ints:
    """Account clauses need evidence from beyond the post (rule E6)."""
    return _at_most(PROMPT, ~cases.account_evidence, _clauses(*ACCOUNT_CLAUSES))


def missing_papers_are_not_false_papers(cases: Cases) -> Ints:
    """A missing or expired credential never passes warning, unless papers are found false."""
    forged = cases.status == STATUSES.index(ClaimStatus.FALSE)
    return _at_most(WARNING, ~(forged & cases.intent), _clauses(CREDENTIAL_MISSING))


def closure_is_last(cases: Cases) -> Ints:
    """Closure needs a claim found false, and an aggravator or three short mutes that stand."""
    has = {
        name: cases.aggravators[:, AGGRAVATORS.index(name)]
        for name in (Aggravator.KEY_FIELD_MALICE, Aggravator.SAFETY_HARM, Aggravator.PROFIT_ROUTE)
    }
    grave = has[Aggravator.KEY_FIELD_MALICE] | has[Aggravator.SAFETY_HARM]
    often = cases.strikes[:, 1] >= SHORT_MUTES_FOR_CLOSURE
    posing = has[Aggravator.PROFIT_ROUTE][:, None] & _clauses(*IDENTITY_CLAUSES)[None, :]
    false = cases.status == STATUSES.index(ClaimStatus.FALSE)
    open_to = false[:, None] & ((grave | often)[:, None] | posing)
    return np.where(open_to, CLOSURE, LONG_MUTE)


#: by the name that a trace gives them
FLOORS: Mapping[str, Floor] = {
    floor.__name__: floor
    for floor in (
        people_decide,
        evidence_on_file,
        unknown_is_not_false,
        labels_are_not_lies,
        speech_is_protected,
        one_post_is_not_an_account,
        missing_papers_are_not_false_papers,
        closure_is_last,
    )
}
