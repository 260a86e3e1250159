"""A model bundle: graphs, vocabularies and a manifest that ties them together."""

import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError, model_validator

from classifiers.encoding import Limits
from classifiers.windows import Windows
from labels.errors import ModelError
from labels.operating import Operating
from labels.results import Probability, Suggestion, Version
from labels.taxonomy import MACHINE_WRITTEN, Category, taxonomy
from labels.yamlfile import Strict

MANIFEST = "manifest.json"
FIRST_STAGE = "first_stage.npz"
DEFAULT_MODEL = "mingbian_zh_v0_8"

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Source(Strict):
    """A data set a model learned from."""

    name: str
    rows: Annotated[int, Field(gt=0)]
    licence: str
    sha256: Sha256


class _Share(Strict):
    """A part's share of the log-odds, and that of the heads for which it is another."""

    weight: Annotated[float, Field(gt=0, le=1)]
    weight_by_head: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(default_factory=dict)

    def weights(self, heads: Sequence[str]) -> npt.NDArray[np.float64]:
        """Shape (heads,)."""
        return np.array([self.weight_by_head.get(head, self.weight) for head in heads])


class NgramPart(_Share):
    """A linear model over character n-grams."""

    kind: Literal["ngram"]


class TransformerPart(_Share):
    """A multi-task transformer.

    ``markers`` are those whose embeddings follow the tokenizer's vocabulary, in order.
    """

    kind: Literal["transformer"]
    limits: Limits
    markers: tuple[str, ...]


class Calibration(Strict):
    """Turns a head's log-odds into a probability (Platt 1999)."""

    slope: Annotated[float, Field(gt=0)]
    offset: float


class Pretrained(Strict):
    """The published model that training started from."""

    name: str
    licence: str


class HeldOut(Strict):
    """Which groups of rows a model did not learn from: one fold of so many, drawn by a seed."""

    fold: Annotated[int, Field(ge=0)]
    folds: Annotated[int, Field(ge=2)]
    seed: int


class Lineage(Strict):
    """Which model a model was trained on from, by which code, with how many label events.

    The events themselves are the bundle's ``learned.jsonl``.
    """

    parent: Version
    revision: str
    events: Annotated[int, Field(ge=0)]


class Cascade(Strict):
    """What the first stage clears: posts for which it expects less than this in every category.

    Of the posts that the whole model raises to a level in a category, at most the level's share
    in ``risks`` is cleared, in expectation over posts like the ``flagged`` held-out ones that the
    bound rests on. Source: Angelopoulos et al. 2022, *Conformal Risk Control*.
    """

    risks: dict[Suggestion, Annotated[float, Field(gt=0, lt=1)]]
    clears: dict[Category, Probability]
    flagged: dict[Category, Annotated[int, Field(gt=0)]]

    @model_validator(mode="after")
    def _every_category(self) -> Self:
        if set(self.clears) != set(Category):
            raise ValueError("clears must have a bound for every category")
        return self


class Manifest(Strict):
    """What a bundle is, and what its parts must hash to.

    ``heads`` is the order of every part's output; each is a category, clause, protected class
    of the taxonomy, or ``machine_written``. ``windows`` is how every part cuts the content.
    ``calibration`` has one entry a head. ``operating`` says of each category, and of
    ``machine_written`` where there is such a head, what every threshold does on held-out rows.
    ``held_out`` is None where all rows of ``sources`` were learned from. ``lineage`` is None
    where training began from a published encoder. ``cascade`` is None where there is no first
    stage. ``origin_middles`` are the log-odds above which each part alone says that a machine
    wrote a post; parts that contradict each other make the model abstain, and without middles
    none do. ``metrics`` is the evaluation, split by split.
    """

    id: str
    version: str
    taxonomy: str
    parts: Annotated[
        tuple[Annotated[NgramPart | TransformerPart, Field(discriminator="kind")], ...],
        Field(min_length=1),
    ]
    windows: Windows
    heads: Annotated[tuple[str, ...], Field(min_length=1)]
    calibration: tuple[Calibration, ...]
    operating: dict[str, Operating]
    files: dict[str, Sha256]
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    held_out: HeldOut | None
    pretrained: Pretrained | None
    lineage: Lineage | None = None
    cascade: Cascade | None = None
    origin_middles: tuple[float, ...] = ()
    licence: str
    metrics: dict[str, Any]

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if len(self.calibration) != len(self.heads):
            raise ValueError(
                f"{len(self.calibration)} calibrations do not fit {len(self.heads)} heads"
            )
        missing = [head for head in (*Category, MACHINE_WRITTEN) if head in self.heads]
        missing = [head for head in missing if head not in self.operating]
        if missing:
            raise ValueError(f"operating says nothing of {missing}")
        for part in self.parts:
            strange = sorted(set(part.weight_by_head).difference(self.heads))
            if strange:
                raise ValueError(f"{part.kind} has a weight for {strange}, which is no head")
        return self


class Bundle(Strict):
    """A folder and what its manifest says."""

    folder: Path
    manifest: Manifest
    sha256: Sha256

    @property
    def version(self) -> Version:
        """What a decision records of the model."""
        return Version(id=self.manifest.id, version=self.manifest.version, sha256=self.sha256)


def default_model_folder() -> Path:
    """The model that rides in the package."""
    return Path(str(resources.files("classifiers").joinpath("models", DEFAULT_MODEL)))


def read_bundle(folder: Path) -> Bundle:
    """The bundle in a folder; its hash is that of the manifest, which holds all the others.

    Raises:
        ModelError: no manifest, a malformed one, a head that the taxonomy does not know, or a
            file that is missing or hashes to something else.
    """
    bundle = read_manifest(folder)
    _check_heads(folder, bundle.manifest)
    for name, expected in bundle.manifest.files.items():
        _check_file(folder / name, expected)
    return bundle


def read_manifest(folder: Path) -> Bundle:
    """As :func:`read_bundle`, of the manifest alone: what it says of the parts is not checked.

    Raises:
        ModelError: no manifest, or a malformed one.
    """
    try:
        raw = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise ModelError(f"{folder}: no model bundle: {error}", remedy="name a folder") from None
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        raise ModelError(f"{folder / MANIFEST}: {error}") from None
    return Bundle(folder=folder, manifest=manifest, sha256=hashlib.sha256(raw).hexdigest())


def _check_heads(folder: Path, manifest: Manifest) -> None:
    known = taxonomy().model_heads
    unknown = [head for head in manifest.heads if head not in known]
    if unknown or len(set(manifest.heads)) != len(manifest.heads):
        raise ModelError(
            f"{folder / MANIFEST}: heads {unknown or 'named twice'} do not fit the taxonomy",
            remedy="export the model again",
        )


def _check_file(path: Path, expected: str) -> None:
    found = file_sha256(path) if path.is_file() else "missing"
    if found != expected:
        raise ModelError(
            f"{path}: sha256 is {found}, the manifest says {expected}",
            remedy="restore the bundle, its parts do not belong together",
        )


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
