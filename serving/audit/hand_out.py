"""Posts of an audit on their way to people: into a sheet, or into the queue of a server."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from labels.records import Post
from labels.yamlfile import read_yaml
from serving.audit.enqueue import enqueue
from serving.audit.layout import Layout
from serving.audit.plan import read_plan
from serving.audit.sample import posts_of
from serving.audit.sheet import write_csv
from serving.audit.sources import ColumnMapping, Sources
from serving.audit.summary import Row
from serving.loading import Loading


@dataclass(frozen=True, slots=True)
class HandOut:
    """How many posts of which audit are wanted, and where they go: ``out`` or ``store``."""

    folder: Path
    sources: tuple[str, ...]
    columns: Path | None
    size: int
    out: Path | None
    store: str | None

    def __post_init__(self) -> None:
        if (self.out is None) == (self.store is None):
            raise click.UsageError("give either --out or --store")

    @property
    def layout(self) -> Layout:
        """Of the audit."""
        return Layout(self.folder)

    def posts(self, rows: Sequence[Row]) -> Iterator[tuple[Row, Post]]:
        """Decisions with their posts, read again; ``InputError`` if those are not the same."""
        mapping = read_yaml(self.columns, ColumnMapping) if self.columns else None
        return posts_of(Sources(self.sources, mapping), rows)

    def give(
        self, sample: Iterable[tuple[Row, Post]], loading: Loading, why: Sequence[str] = ()
    ) -> int:
        """Write the sheet or fill the queue; how many posts.

        Args:
            sample: decisions with their posts.
            loading: of the audit's model and pack, for the queue.
            why: columns of the sheet that say why these posts; the queue shows none of it.
        """
        if self.out:
            return write_csv(self.out, sample, why)
        return enqueue(sample, loading.engine(), self.store or "", read_plan(self.layout))
