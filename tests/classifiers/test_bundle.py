"""A bundle whose parts do not belong together is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classifiers.bundle import MANIFEST, default_model_folder, read_bundle
from classifiers.scorer import load_scorer
from labels.errors import ModelError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the shipped bundle that a test may spoil."""
    return Path(shutil.copytree(default_model_folder(), tmp_path / "model"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def test_the_shipped_bundle_says_what_it_is() -> None:
    """Its sources and licences, and its figures on rows it did not learn from."""
    bundle = read_bundle(default_model_folder())
    manifest = bundle.manifest
    assert {part.kind for part in manifest.parts} == {"transformer", "ngram"}
    assert manifest.sources[0].licence == "CC-BY-4.0"
    assert manifest.pretrained
    assert "MIT" in manifest.pretrained.licence
    assert {"held_out_groups", "held_out_groups_ngram"} <= set(manifest.metrics)
    size = sum(path.stat().st_size for path in bundle.folder.iterdir())
    assert size <= 40_000_000
    card = (bundle.folder / "README.md").read_text(encoding="utf-8")
    assert manifest.sources[0].sha256 in card
    assert "not the code's" in card


@pytest.mark.parametrize(
    "name", ["transformer.onnx", "tokenizer.json", "ngram.onnx", "ngram_vocabulary.npz"]
)
def test_a_changed_part_is_refused(bundle: Path, name: str) -> None:
    """One flipped byte of a graph or of either vocabulary is enough."""
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(ModelError, match="the manifest says"):
        read_bundle(bundle)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: m["files"].update({"gone.onnx": "0" * 64}), "missing"),
        (lambda m: m["heads"].__setitem__(0, "no_such_head"), "no_such_head"),
        (lambda m: m["heads"].__setitem__(0, "1.1"), "named twice"),
        (lambda m: m["heads"].pop(), "43 calibrations do not fit 42 heads"),
        (lambda m: m["operating"].pop("distortion"), "operating says nothing of"),
        (lambda m: m["operating"]["distortion"]["points"].reverse(), "do not rise"),
        (lambda m: m["parts"][0].update(kind="oracle"), "oracle"),
        (lambda m: m["parts"][0].update(weight_by_head={"5.1": 0.5}), "'5.1'.*is no head"),
        (lambda m: m.pop("licence"), "licence"),
        (lambda m: m.update(colour="red"), "colour"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    bundle: Path, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    """Files, heads and fields are all checked."""
    edit(bundle, change)
    with pytest.raises(ModelError, match=told):
        read_bundle(bundle)


def test_a_graph_of_another_width_is_refused(bundle: Path) -> None:
    """Fewer heads than outputs would shift every label in silence."""
    edit(bundle, lambda m: (m["heads"].pop(5), m["calibration"].pop()))
    with pytest.raises(ModelError, match="43 outputs, the manifest names 42"):
        load_scorer(bundle, threads=1)


def test_markers_of_another_version_are_refused(bundle: Path) -> None:
    """Their ids would mean something else than what was trained."""
    edit(bundle, lambda m: m["parts"][0]["markers"].reverse())
    with pytest.raises(ModelError, match="trained with the markers"):
        load_scorer(bundle, threads=1)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    """A mistyped path is told as such."""
    with pytest.raises(ModelError, match="no model bundle"):
        read_bundle(tmp_path)


def test_the_hash_follows_the_manifest(bundle: Path) -> None:
    """What a decision records identifies the bundle whole."""
    before = read_bundle(bundle).sha256
    edit(bundle, lambda m: m.update(version="9.9"))
    assert read_bundle(bundle).sha256 != before
