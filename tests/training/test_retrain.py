"""From label events to a candidate that is held against the champion; killed, it goes on.

What needs a champion of its own is slow: `make learning-check` runs it.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import yaml
from click.testing import CliRunner
from onnx import numpy_helper

from classifiers.bundle import Bundle, TransformerPart, default_model_folder, read_bundle
from classifiers.rendering import MARKERS
from classifiers.scorer import load_reader, load_scorer
from classifiers.transformer_model import GRAPH
from labels.dataset import corpus_folder, load_corpus, posts
from labels.errors import MingbianError
from labels.label_events import LabelEvent, Origin, write_events
from labels.release import GATES, LEARNED, GateReport, Learned
from mingbian import cli
from tests.training.test_baseline import CONFIG, small_corpus
from tests.training.test_label_quality import found_in
from tests.training.test_transformer import tiny_config
from tests.training.tiny import write_tiny_encoder
from training.champion import champion_weights, widths
from training.finetune import ExactReader, new_model
from training.lessons import corpus_lessons
from training.run import Continued

ROOT = Path(__file__).parents[2]
_PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, a tiny champion that learned from it, recipes and label events."""
    folder = tmp_path_factory.mktemp("retrain")
    corpus = small_corpus(folder / "corpus", every=25)
    texts = [post.text or "" for post in posts(load_corpus(corpus))]
    encoder = write_tiny_encoder(folder / "encoder", [*texts, *MARKERS.values()])
    raw = tiny_config().model_dump(mode="json")
    raw |= {"epochs": 1, "folds": 2, "batch_posts": 64, "expert": "ngram.yaml"}
    raw["encoder"]["name"] = str(encoder)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    again = raw | {"batch_posts": 16, "checkpoints": 8}
    (folder / "again.yaml").write_text(yaml.safe_dump(again), encoding="utf-8")
    quick = CONFIG.read_text(encoding="utf-8").replace("folds: 5", "folds: 2")
    (folder / "ngram.yaml").write_text(quick, encoding="utf-8")
    config = yaml.safe_load((ROOT / "configs" / "retrain.yaml").read_text(encoding="utf-8"))
    config["training"] = "again.yaml"
    (folder / "retrain.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    done = mingbian(
        folder, "train", "run", "--config", "tiny.yaml", "--corpus", "corpus", "--jobs", "1",
        "--out", "champion",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    write_events(folder / "events.jsonl", appeals())
    return folder


def appeals() -> list[LabelEvent]:
    """Sixty findings on rows that the small corpus has not."""
    rows = posts(load_corpus(corpus_folder()))[7::200][:60]
    told = [found_in(row, place) for place, row in enumerate(rows)]
    return [event.model_copy(update={"origin": Origin.APPEAL}) for event in told]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from mingbian import main; main()", *arguments]


def mingbian(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, capture_output=True, text=True, check=False
    )


def retrain(out: str, version: str = "2") -> list[str]:
    return [
        "retrain", "events.jsonl", "--champion", "champion", "--config", "retrain.yaml",
        "--gates", str(ROOT / "configs" / "release.yaml"), "--corpus", "corpus",
        "--version", version, "--jobs", "1", "--out", out,
    ]  # fmt: skip


@pytest.mark.slow
def test_a_killed_retraining_ends_with_the_same_candidate(place: Path) -> None:
    """Killed -9 while it trains and once the bundle is there, it ends where a whole run does."""
    kill_when(place, retrain("whole"), place / "whole", "candidate")
    kill_when(place, retrain("killed"), place / "killed" / "work", "**/checkpoint-*")
    ended = mingbian(place, *retrain("killed"))
    assert ended.returncode in {0, 2}, ended.stderr
    one, other = (read_bundle(place / out / "candidate") for out in ("whole", "killed"))
    assert one.sha256 == other.sha256

    check_candidate(place, other)
    changed = mingbian(place, *retrain("whole", version="3"))
    assert changed.returncode == 2
    assert "was begun with another version" in changed.stderr


def judged(bundle: Bundle) -> GateReport:
    return GateReport.model_validate_json((bundle.folder / GATES).read_bytes())


def check_candidate(place: Path, candidate: Bundle) -> None:
    """It names its parent, its code and every event; people have the quality page."""
    manifest = candidate.manifest
    champion = read_bundle(place / "champion")
    assert manifest.lineage
    assert manifest.lineage.parent == champion.version
    assert (manifest.id, manifest.version) == (champion.manifest.id, "2")
    assert manifest.held_out == champion.manifest.held_out
    assert [source.name for source in manifest.sources] == ["labels/corpus", "label events"]
    lines = (candidate.folder / LEARNED).read_text(encoding="utf-8").splitlines()
    learned = [Learned.model_validate_json(line) for line in lines]
    assert len(learned) == manifest.lineage.events
    assert {each.origin for each in learned} == {Origin.APPEAL}
    quality = json.loads((place / "killed" / "quality.json").read_text(encoding="utf-8"))
    assert quality["events"] == 60
    assert quality["learned"] == len(learned)
    report = judged(candidate)
    assert report.champion == champion.version
    assert len(report.gates) == 11
    assert (place / "killed" / "report.html").exists()


def kill_when(place: Path, arguments: list[str], folder: Path, pattern: str) -> None:
    """Start a command, and kill it as soon as something lies in a folder."""
    process = subprocess.Popen(
        command(*arguments), cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while not any(folder.glob(pattern)):
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_bad_input_is_refused(place: Path) -> None:
    """A broken event with its line, and a champion of another corpus."""
    broken = place / "broken.jsonl"
    broken.write_text((place / "events.jsonl").read_text("utf-8") + "{}\n", encoding="utf-8")
    arguments = retrain("broken")
    arguments[1] = str(broken)
    assert "broken.jsonl:61: no label event" in refusal(place, arguments)
    arguments = retrain("other")
    arguments[arguments.index("corpus")] = str(corpus_folder())
    assert "what it held out cannot be told" in refusal(place, arguments)


def refusal(place: Path, arguments: list[str]) -> str:
    with contextlib.chdir(place):
        error = CliRunner().invoke(cli, arguments).exception
    assert isinstance(error, MingbianError)
    return str(error)


@pytest.mark.slow
def test_a_champion_is_compressed(place: Path) -> None:
    """Half its heads and neurons are gone; what it held out stays held out."""
    narrower = yaml.safe_load((place / "tiny.yaml").read_text(encoding="utf-8"))
    half = {"attention_heads": 1, "feed_forward": 32}
    narrower["encoder"] |= half
    narrower |= {"teacher_share": 0.5}
    (place / "narrower.yaml").write_text(yaml.safe_dump(narrower), encoding="utf-8")
    compress = [
        "train", "compress", "champion", "--version", "2", "--config", "narrower.yaml",
        "--jobs", "1", "--work", "compressing", "--out", "compressed",
    ]  # fmt: skip
    assert "cannot be told" in refusal(place, compress)
    done = mingbian(place, *compress, "--corpus", "corpus")
    assert done.returncode == 0, done.stderr
    champion, found = (read_bundle(place / name) for name in ("champion", "compressed"))
    assert (found.manifest.id, found.manifest.version) == (champion.manifest.id, "2")
    assert found.manifest.held_out == champion.manifest.held_out
    assert found.manifest.heads == champion.manifest.heads
    assert found.manifest.lineage
    assert found.manifest.lineage.parent == champion.version
    assert champion.version.sha256 in (place / "compressed" / "README.md").read_text("utf-8")
    assert widths(champion) == {"attention_heads": 2, "feed_forward": 64}
    assert widths(found) == half
    onwards = Continued.of(found, "3").applied(tiny_config())
    assert onwards.encoder == tiny_config().encoder.model_copy(update=half)
    sizes = [(bundle.folder / GRAPH).stat().st_size for bundle in (champion, found)]
    assert sizes[1] < sizes[0]
    some = posts(load_corpus(place / "corpus"))[:40]
    assert all(
        result.text_coverage == 1.0 for result in load_scorer(found.folder, threads=1).score(some)
    )


@pytest.mark.slow
def test_a_bundle_gives_its_weights_back(place: Path) -> None:
    """The transformer read back from 8 bits says what the exported one says, head for head."""
    bundle = read_bundle(place / "champion")
    part = next(p for p in bundle.manifest.parts if isinstance(p, TransformerPart))
    config = tiny_config()
    labels = corpus_lessons(place / "corpus").labels_of(bundle.manifest.heads)
    model, encoder, _ = new_model(str(place / "encoder"), labels, config)
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    turned = bundle.manifest.heads[::-1]
    model.load_state_dict(champion_weights(bundle, turned, shapes))
    exact, exported = ExactReader(model.eval(), encoder), load_reader(bundle, part)
    some = posts(load_corpus(place / "corpus"))[:20]
    before = np.vstack([exported.read(post) for post in some])
    after = np.vstack([exact.read(post) for post in some])[:, ::-1]
    assert np.abs(before - after).mean() < 0.02
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.999


def test_the_shipped_model_can_be_trained_further() -> None:
    """Every parameter of its encoder and heads is found in its graph."""
    bundle = read_bundle(default_model_folder())
    names = {"queries.weight", "weights", "bias", "encoder.embeddings.word_embeddings.weight"}
    for layer in range(6):
        stem = f"encoder.encoder.layer.{layer}"
        inside = ("attention.self.query", "attention.self.key", "attention.self.value")
        inside += ("attention.output.dense", "intermediate.dense", "output.dense")
        names |= {f"{stem}.{part}.weight" for part in inside}
    heads = len(bundle.manifest.heads)
    sizes = {"weights": (heads, 384), "queries.weight": (heads, 384), "bias": (heads,)}
    sizes |= {"encoder.embeddings.word_embeddings.weight": (39863, 384)}
    within = {
        "attention.output.dense": (384, 320),
        "intermediate.dense": (512, 384),
        "output.dense": (384, 512),
    }
    for name in names - set(sizes):
        part = name.removesuffix(".weight").split(".", 4)[-1]
        sizes[name] = within.get(part, (320, 384))
    shapes = {name: torch.Size(size) for name, size in sizes.items()}
    found = champion_weights(bundle, bundle.manifest.heads, shapes)
    assert widths(bundle) == {"attention_heads": 10, "feed_forward": 512}
    graph = onnx.load(bundle.folder / GRAPH).graph
    products = {node.input[1] for node in graph.node if node.op_type == "MatMul"}
    exact = [numpy_helper.to_array(each) for each in graph.initializer if each.name in products]
    narrowing = [value for name, value in found.items() if ".output.dense" in name]
    held = {column.tobytes() for weight in narrowing for column in weight.numpy().T}
    assert len(exact) == 6
    assert all(row.tobytes() in held for matrix in exact for row in matrix)
    assert all(float(value.abs().mean()) > 1e-3 for value in found.values())
