"""One pass over what is kept: counts, sums and samples of each period, in bounded memory."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import Connection

from classifiers.rendering import content, content_digest
from labels.results import Version
from labels.taxonomy import Category
from serving.minhash import MIN_CHARS, Signature, signature
from serving.watch.kept import Kept, by_account
from serving.watch.periods import Period
from serving.watch.sample import AccountSample

#: accounts of a period among which copies are sought, and contents of each
COPIED_ACCOUNTS, COPIED_CONTENTS = 10_000, 3


@dataclass(slots=True)
class Expected:
    """What calibrated probabilities say of flagged posts, summed up.

    ``variance`` takes the posts of one account as wholly dependent, those of two as not at all.
    """

    posts: int = 0
    right: float = 0.0
    variance: float = 0.0

    def add(self, probabilities: Sequence[float]) -> None:
        """The posts of one account."""
        self.posts += len(probabilities)
        self.right += sum(probabilities)
        self.variance += sum(math.sqrt(p * (1 - p)) for p in probabilities) ** 2


@dataclass(frozen=True, slots=True)
class Copy:
    """A content of an account; ``decision_id`` is of a post that says it."""

    digest: bytes
    signature: Signature
    decision_id: str


@dataclass
class Seen:
    """What was kept in a period, passed posts aside.

    ``one_each`` draws accounts and of each one decision at random, so that an account that floods
    counts as much as any other. ``raised``: by clause and day the accounts with a suspicion.
    ``flagged``: by protected class how many posts went to people, and how many of them were
    overturned since.
    """

    period: Period
    one_each: AccountSample[Kept]
    copies: AccountSample[tuple[Copy, ...]]
    posts: int = 0
    erased: int = 0
    accounts: int = 0
    without_account: int = 0
    versions: Counter[tuple[str, str]] = field(default_factory=Counter)
    suggestions: Counter[tuple[date, str]] = field(default_factory=Counter)
    raised: Counter[tuple[str, date]] = field(default_factory=Counter)
    expected: dict[Category, Expected] = field(default_factory=lambda: defaultdict(Expected))
    flagged: Counter[tuple[str, bool]] = field(default_factory=Counter)

    @property
    def days(self) -> list[date]:
        """The days since something was first kept in it: earlier there may have been no server."""
        first = min((day for day, _ in self.suggestions), default=None)
        if first is None:
            return []
        return [first + timedelta(days=n) for n in range((self.period.last - first).days + 1)]


class _OfAccount:
    """What an account did in a period, as far as it must be known before its next post."""

    def __init__(self, into: Seen) -> None:
        self._into = into
        self._drawn: tuple[bytes, Kept] | None = None
        self._contents: dict[bytes, Kept] = {}
        self._raised: set[tuple[str, date]] = set()
        self._probabilities: dict[Category, list[float]] = defaultdict(list)

    def see(self, kept: Kept) -> None:
        into, result = self._into, kept.result
        into.posts += 1
        into.erased += kept.post is None
        into.versions[_told(result.model), _told(result.policy)] += 1
        into.suggestions[kept.day, result.suggestion.value] += 1
        into.flagged.update(kept.flagged)
        if kept.to_people and kept.first:
            category = kept.first.category
            self._probabilities[category].append(result.scores[category])
        self._raised |= {(finding.clause, kept.day) for finding in result.labels}
        lot = hashlib.blake2b(kept.decision_id.encode(), digest_size=8).digest()
        if self._drawn is None or lot < self._drawn[0]:
            self._drawn = (lot, kept)
        self._see_content(kept)

    def _see_content(self, kept: Kept) -> None:
        if kept.post is None or len(content(kept.post)) < MIN_CHARS:
            return
        self._contents.setdefault(content_digest(kept.post), kept)
        if len(self._contents) > COPIED_CONTENTS:
            del self._contents[max(self._contents)]

    def close(self) -> None:
        """The account has no further post."""
        into = self._into
        if self._drawn is None:
            return
        kept = self._drawn[1]
        into.accounts += 1
        for category, probabilities in self._probabilities.items():
            into.expected[category].add(probabilities)
        if into.one_each.wants(kept.account_id):
            into.one_each.add(kept.account_id, kept)
        if not kept.has_account:
            into.without_account += 1
            return
        into.raised.update(self._raised)
        if into.copies.wants(kept.account_id):
            into.copies.add(kept.account_id, tuple(self._copies()))

    def _copies(self) -> Iterator[Copy]:
        for digest, kept in sorted(self._contents.items(), key=lambda entry: entry[0]):
            if kept.post is not None:
                yield Copy(digest, signature(content(kept.post)), kept.decision_id)


def collect(
    connection: Connection, now: Period, before: Period, accounts: int
) -> tuple[Seen, Seen]:
    """What was kept in two periods that share no day.

    Args:
        connection: that reads.
        now: what is watched.
        before: what it is held against.
        accounts: drawn of each period at most, to test for drift.
    """
    seen = [
        Seen(
            period,
            AccountSample(accounts, f"drift {name}"),
            AccountSample(COPIED_ACCOUNTS, f"copies {name}"),
        )
        for name, period in (("now", now), ("before", before))
    ]
    whole = Period(first=min(now.first, before.first), last=max(now.last, before.last))
    for account in by_account(connection, whole):
        mine = [(each.period, _OfAccount(each)) for each in seen]
        for kept in account:
            for period, of_account in mine:
                if period.holds(kept.day):
                    of_account.see(kept)
        for _, of_account in mine:
            of_account.close()
    return seen[0], seen[1]


def _told(version: Version) -> str:
    return f"{version.id} {version.version} {version.sha256[:12]}"
