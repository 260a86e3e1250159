"""The versions in force in this server: which of them answers a post, under which pack."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from classifiers.scorer import Scorer
from labels.records import Post
from labels.results import HeadScores, Version
from policy.pack import LoadedPack
from policy.resolve import Policy, resolve


@dataclass(frozen=True, slots=True)
class Active:
    """A pack, and what it means for a model that scores."""

    loaded: LoadedPack
    policy: Policy


@dataclass(frozen=True, slots=True)
class Seat:
    """A model that scores, and the pack with its thresholds for this very model."""

    scorer: Scorer
    active: Active

    @classmethod
    def of(cls, scorer: Scorer, loaded: LoadedPack) -> "Seat":
        """A model under a pack."""
        return cls(scorer, Active(loaded, resolve(loaded.pack, scorer.operating)))

    @property
    def version(self) -> Version:
        """Of the model."""
        return self.scorer.version

    def under(self, loaded: LoadedPack) -> "Seat":
        """The same model under another pack."""
        return Seat.of(self.scorer, loaded)


@dataclass(frozen=True, slots=True)
class Lineup:
    """Who answers and who looks on. A request takes one at its start and keeps it to its end.

    ``share`` of the accounts, in [0, 1], meet the canary. A model that no lineup names any more
    is freed with the last request that scores with it.
    """

    champion: Seat
    canary: Seat | None = None
    share: float = 0.0
    shadow: Seat | None = None

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Champion, canary and shadow, as far as there are."""
        return tuple(seat for seat in (self.champion, self.canary, self.shadow) if seat)

    def under(self, loaded: LoadedPack) -> "Lineup":
        """The same models under another pack."""
        return replace(
            self,
            champion=self.champion.under(loaded),
            canary=self.canary and self.canary.under(loaded),
            shadow=self.shadow and self.shadow.under(loaded),
        )

    def answering(self, post: Post) -> Seat:
        """The canary for its share of the accounts, the champion for the others."""
        if self.canary and place(self.canary.version.sha256, account_of(post)) < self.share:
            return self.canary
        return self.champion

    def score(self, posts: Sequence[Post]) -> Iterator[tuple[Seat, HeadScores]]:
        """Each post's scores, in order, and who they are of.

        Raises:
            ScoringError: a model failed; no partial result is returned.
        """
        if self.canary is None:
            scored = self.champion.scorer.score(posts)
            return ((self.champion, scores) for scores in scored)
        seats = [self.answering(post) for post in posts]
        found = {
            seat.version.sha256: iter(
                seat.scorer.score([p for p, its in zip(posts, seats, strict=True) if its is seat])
            )
            for seat in (self.champion, self.canary)
        }
        return ((seat, next(found[seat.version.sha256])) for seat in seats)


def account_of(post: Post) -> str:
    """The account, or the unknown one of this very post, which the platform can tell."""
    known = post.author.account_id if post.author else None
    return known or unknown_account(post.data_id)


def unknown_account(data_id: str) -> str:
    """What the account of a post is called that came without one."""
    return f"post:{data_id}"


def place(sha256: str, account_id: str) -> float:
    """Where an account stands between 0 and 1 for a canary: always there, and evenly spread.

    Another canary meets other accounts first; a larger share meets those of a smaller one too.
    """
    digest = hashlib.sha256(f"{sha256} {account_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
