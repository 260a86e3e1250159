"""Writes a bundle: parts exported into a folder, tied together by a manifest."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from classifiers.bundle import (
    MANIFEST,
    Calibration,
    HeldOut,
    Lineage,
    Manifest,
    NgramPart,
    Pretrained,
    Source,
    TransformerPart,
    file_sha256,
)
from classifiers.windows import Windows
from labels.taxonomy import taxonomy
from training.card import model_card
from training.measure import Behaviour

_WITH_PUBLIC_SETS = (
    "CC-BY-4.0 for what its authors may license; the public sets learned from keep their own terms"
)


@dataclass(frozen=True, slots=True)
class Part:
    """An exported part, and the files it is made of."""

    part: NgramPart | TransformerPart
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """What the manifest says of a model beyond its parts.

    ``heads`` names the parts' outputs in order; ``sources`` is what it learned from, all but
    the rows that were held out.
    """

    id: str
    version: str
    heads: tuple[str, ...]
    windows: Windows
    sources: tuple[Source, ...]
    held_out: HeldOut | None = None
    pretrained: Pretrained | None = None
    lineage: Lineage | None = None


def write_bundle(
    folder: Path,
    parts: Sequence[Part],
    behaviour: Behaviour,
    identity: Identity,
) -> None:
    """Write manifest and model card beside parts that were exported into the folder."""
    manifest = Manifest(
        id=identity.id,
        version=identity.version,
        taxonomy=taxonomy().version,
        parts=tuple(part.part for part in parts),
        windows=identity.windows,
        heads=identity.heads,
        calibration=tuple(
            Calibration(slope=float(slope), offset=float(offset))
            for slope, offset in zip(*behaviour.calibrations, strict=True)
        ),
        operating=behaviour.operating,
        files={name: file_sha256(folder / name) for part in parts for name in part.files},
        sources=identity.sources,
        held_out=identity.held_out,
        pretrained=identity.pretrained,
        lineage=identity.lineage,
        origin_middles=behaviour.origin_middles,
        licence=_licence(identity.sources),
        metrics=behaviour.metrics,
    )
    write_manifest(folder, manifest)
    (folder / "README.md").write_text(model_card(manifest), encoding="utf-8")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Into a bundle; its hash is that of the bundle."""
    text = json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _licence(sources: Sequence[Source]) -> str:
    """Weights learned from the corpus alone carry its licence."""
    return sources[0].licence if len(sources) == 1 else _WITH_PUBLIC_SETS
