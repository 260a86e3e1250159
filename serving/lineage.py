"""Where a version comes from: version by version, data, code, and the verdicts that taught it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, RowMapping, select

from classifiers.bundle import Bundle, HeldOut, Pretrained, Source
from labels.errors import InputError, ModelError
from labels.release import Learned
from labels.results import Version
from labels.taxonomy import taxonomy
from labels.yamlfile import Strict
from serving.models import version_of
from serving.registry import Registry, learned_of
from serving.review import kept_decision
from serving.store.schema import decisions, models

_BATCH = 500


class Ancestor(Strict):
    """A version of a line. All but ``model`` is None or empty where its bundle is not here.

    ``events`` counts what it learned from by origin of the label; ``missing`` says why its
    bundle cannot be read.
    """

    model: Version
    parent: Version | None
    revision: str | None
    sources: tuple[Source, ...]
    held_out: HeldOut | None
    pretrained: Pretrained | None
    events: dict[str, int]
    missing: str | None


def line(connection: Connection, registry: Registry, version: Version) -> list[Ancestor]:
    """A version, the model that its training began from, and so on, as far as is known.

    Raises:
        ModelError: what a version learned from cannot be read.
    """
    found: list[Ancestor] = []
    following: Version | None = version
    while following and all(following != each.model for each in found):
        ancestor = _ancestor(registry, following)
        found.append(ancestor)
        following = ancestor.parent or _known_parent(connection, following)
    return found


def taught(
    connection: Connection, registry: Registry, version: Version, clause: str
) -> Iterator[Learned]:
    """The label events that taught a version a clause, in the order of its file.

    Those that say a post breaks the clause, and those that clear a post of which a model or a
    reviewer had said so before, such as an appeal that was upheld. Of decisions that were erased
    the latter is no longer known.

    Raises:
        InputError: there is no such clause.
        ModelError: the version is not here, or what it learned from cannot be read.
    """
    if clause not in taxonomy().clauses:
        raise InputError(f"clause {clause!r} is not in the taxonomy", remedy="for example 4.1")
    events = list(learned_of(registry.manifest(version.sha256)))
    cleared = [_decision_of(event) for event in events if clause not in event.clauses]
    suspected = set(_suspected(connection, cleared, clause))
    yield from (e for e in events if clause in e.clauses or _decision_of(e) in suspected)


def _ancestor(registry: Registry, version: Version) -> Ancestor:
    try:
        bundle = registry.manifest(version.sha256)
    except ModelError as error:
        return Ancestor(
            model=version,
            parent=None,
            revision=None,
            sources=(),
            held_out=None,
            pretrained=None,
            events={},
            missing=str(error),
        )
    lineage = bundle.manifest.lineage
    return Ancestor(
        model=bundle.version,
        parent=lineage.parent if lineage else None,
        revision=lineage.revision if lineage else None,
        sources=bundle.manifest.sources,
        held_out=bundle.manifest.held_out,
        pretrained=bundle.manifest.pretrained,
        events=_by_origin(bundle),
        missing=None,
    )


def _by_origin(bundle: Bundle) -> dict[str, int]:
    return dict(Counter(event.origin.value for event in learned_of(bundle)))


def _known_parent(connection: Connection, version: Version) -> Version | None:
    """As the store has it, where the bundle is not here."""
    child, parent = models.alias(), models.alias()
    asked = select(parent).join(child, child.c.parent == parent.c.sha256)
    row = connection.execute(asked.where(child.c.sha256 == version.sha256)).mappings().first()
    return version_of(row) if row else None


def _decision_of(event: Learned) -> str:
    """An event is named for the decision it is about, and for who found it."""
    return event.event_id.rpartition(".")[0]


def _suspected(connection: Connection, ids: Sequence[str], clause: str) -> Iterator[str]:
    """Those decisions that a model or reviewers had made for a clause."""
    for start in range(0, len(ids), _BATCH):
        some = decisions.c.decision_id.in_(ids[start : start + _BATCH])
        for row in connection.execute(select(decisions).where(some)).mappings():
            if clause in _clauses(row):
                yield row["decision_id"]


def _clauses(row: RowMapping) -> set[str]:
    suggested = {label["clause"] for label in row["result"]["labels"]}
    findings = kept_decision(row).case.findings if row["ruled"] else None
    return {*suggested, *(findings.clauses if findings else ())}
