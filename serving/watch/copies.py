"""Words that many accounts share, and whether they did before.

A limit, not a test: how often harmless words spread by themselves is known to nobody.
"""

from collections import Counter
from dataclasses import dataclass

from serving.minhash import Clusters, Signature, are_near, bands
from serving.watch.collect import Copy, Seen
from serving.watch.limits import CopyLimits

#: fewer accounts that share words are not told of
_LEAST = 3
#: clusters that are told
_TOP = 20


@dataclass(frozen=True, slots=True)
class Shared:
    """``accounts`` that share words, of those drawn; ``expected`` by the past.

    ``decision_id`` is of a post that says them.
    """

    accounts: int
    expected: float
    decision_id: str
    alarm: bool


def shared(now: Seen, before: Seen, limits: CopyLimits) -> list[Shared]:
    """Clusters of the watched period, the most accounts first."""
    signatures: dict[bytes, Copy] = {}
    for copies in (*now.copies.values, *before.copies.values):
        for copy in copies:
            signatures.setdefault(copy.digest, copy)
    clusters = _clusters({digest: copy.signature for digest, copy in signatures.items()})
    counted, earlier = _accounts(now, clusters), _accounts(before, clusters)
    examples: dict[bytes, str] = {}
    for copies in now.copies.values:
        for copy in copies:
            examples.setdefault(clusters.head(copy.digest), copy.decision_id)
    scale = _scale(now, before)
    found = []
    for head, accounts in counted.most_common(_TOP):
        if accounts >= _LEAST:
            expected = earlier[head] * scale
            alarm = accounts >= limits.accounts and accounts >= limits.times * expected
            found.append(Shared(accounts, expected, examples[head], alarm))
    return found


def _clusters(signatures: dict[bytes, Signature]) -> Clusters:
    """Contents that agree in a band with the first that does, and are near it."""
    found, first_of = Clusters(), dict[tuple[int, int], bytes]()
    for digest in sorted(signatures):
        for place, band in enumerate(bands(signatures[digest]).tolist()):
            first = first_of.setdefault((place, band), digest)
            if first != digest and are_near(signatures[first], signatures[digest]):
                found.join(first, digest)
    return found


def _accounts(seen: Seen, clusters: Clusters) -> Counter[bytes]:
    """By cluster: an account counts once, however much it posts."""
    found: Counter[bytes] = Counter()
    for copies in seen.copies.values:
        found.update({clusters.head(copy.digest) for copy in copies})
    return found


def _scale(now: Seen, before: Seen) -> float:
    """From accounts of the past to those of as many days, and as large a share drawn."""
    if not before.days:
        return 0.0
    return now.period.days / len(before.days) * _drawn(now) / _drawn(before)


def _drawn(seen: Seen) -> float:
    """Share of accounts among which copies are sought."""
    known = seen.accounts - seen.without_account
    return len(seen.copies.values) / known if known else 1.0
