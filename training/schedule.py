"""Every batch of a training run, settled beforehand by one seed, so that it can be resumed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labels.dataset import contrast_pairs
from labels.records import LabelledPost, Post
from training.config import TransformerConfig
from training.lessons import Lessons

_LENGTH_NOISE_TOKENS = 12.0


@dataclass(frozen=True, slots=True)
class Example:
    """A row as it is shown once: with or without what a caller may not send."""

    row: int
    author: bool
    declared: bool

    def shown(self, post: Post) -> Post:
        """The post as this example shows it."""
        gone = {"author": self.author, "declared": self.declared}
        return post.model_copy(update={name: None for name, kept in gone.items() if not kept})


def schedule(
    posts: Sequence[Post], lengths: Sequence[int], config: TransformerConfig, seed: int
) -> list[Example]:
    """All epochs, batch after batch, each of ``config.batch_posts`` examples.

    An epoch holds every labelled post of the corpus and other public rows than the one before,
    as long as there are others, so that the many ordinary texts do not crowd out the few
    violations. Contrast pairs share a batch, and batches hold posts of like length. The last
    batch of an epoch is filled with rows drawn again.

    Args:
        posts: at least one.
        lengths: tokens of each post.
        config: epochs, batch size, share of posts shown without author or declarations.
        seed: of every draw.
    """
    rng = np.random.default_rng(seed)
    ours = [row for row, post in enumerate(posts) if isinstance(post, LabelledPost)]
    public = sorted({*range(len(posts))}.difference(ours))
    mates = pairs_of(posts)
    taken = min(config.public_per_epoch, len(public))
    shares = np.resize(rng.permutation(public), (config.epochs, taken))
    batches = [
        batch
        for share in shares
        for batch in _epoch([*ours, *share.tolist()], mates, lengths, config.batch_posts, rng)
    ]
    return [_example(row, config.absent_share, rng) for batch in batches for row in batch]


def row_weights(lessons: Lessons, config: TransformerConfig) -> list[float]:
    """Weight of each row in the loss: rare sources and rare labels count more, mean 1.

    A row's weight is the product of its trust and of the inverse frequencies of its writer and of
    its rarest label, each to the power in ``config``; rows without any are counted together.

    Args:
        lessons: at least one row.
        config: the two powers.
    """
    by_writer = Counter(lessons.writers)
    held = lessons.labels == 1
    counts = np.where(held, held.sum(axis=0), np.inf).min(axis=1)
    rarest = np.where(np.isinf(counts), np.isinf(counts).sum(), counts)
    sources = np.array([by_writer[writer] for writer in lessons.writers])
    weights = sources**-config.source_balance * rarest**-config.class_balance * lessons.trust
    return list((weights / weights.mean()).tolist())


def pairs_of(posts: Sequence[Post]) -> dict[int, int]:
    """Place of the other side of each row that is one of a contrast pair."""
    pairs = contrast_pairs(posts)
    return dict([*pairs, *((b, a) for a, b in pairs)])


def _epoch(
    rows: Sequence[int],
    mates: Mapping[int, int],
    lengths: Sequence[int],
    size: int,
    rng: np.random.Generator,
) -> list[list[int]]:
    """Batches of rows, in random order."""
    units = [(row, mates[row]) if row in mates else (row,) for row in rows]
    units = [unit for unit in units if unit[0] == min(unit)]
    noise = rng.normal(0, _LENGTH_NOISE_TOKENS, len(units))
    keys = [max(lengths[row] for row in unit) + noise[at] for at, unit in enumerate(units)]
    ordered = [row for at in np.argsort(keys) for row in units[at]]
    missing = -len(ordered) % size
    ordered += rng.choice(rows, missing).tolist()
    batches = [ordered[at : at + size] for at in range(0, len(ordered), size)]
    rng.shuffle(batches)
    return batches


def _example(row: int, absent_share: float, rng: np.random.Generator) -> Example:
    """Without the author, the declarations or both, each a third of ``absent_share``."""
    if rng.random() >= absent_share:
        return Example(row, author=True, declared=True)
    author, declared = [(False, True), (True, False), (False, False)][rng.integers(3)]
    return Example(row, author=author, declared=declared)
