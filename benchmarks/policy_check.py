"""Shows that the policy holds: tests, a backtest of a million decisions, mutants of the floors.

python benchmarks/policy_check.py

Prints the figures; exits with 1 if one falls short.
"""

import ast
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from classifiers.bundle import default_model_folder
from labels.cases import Case
from labels.operating import read_operating
from labels.taxonomy import taxonomy
from policy.pack import default_pack_path, load_pack
from policy.resolve import Policy, resolve
from policy.rule import rule

ROOT = Path(__file__).parents[1]
FLOORS = ROOT / "policy" / "floors.py"
DECISIONS = 1_000_000
SAMPLE = 10_000
MAX_SECONDS = 60.0
_SEED = 20250729
_TABLE_CASES = 60
_OVERTURNED = 0.05
_UNJUDGED = 0.3
_OTHER = {ast.Lt: ast.LtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq}
_OTHER_NAME = {"minimum": "maximum", "any": "all"}
_HARSHER = {"PROMPT": "WARNING", "WARNING": "SHORT_MUTE", "SHORT_MUTE": "LONG_MUTE"}

Change = Callable[[Any], object]


def main() -> None:
    """Run all of it."""
    failed = [name for name, check in CHECKS.items() if not check()]
    print("policy check:", f"FAILED: {', '.join(failed)}" if failed else "all of it holds")
    sys.exit(bool(failed))


def tests() -> bool:
    """Property tests and the table of cases."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-o", "addopts=", "tests/policy"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    table = (ROOT / "tests" / "policy" / "table.yaml").read_text(encoding="utf-8")
    cases = sum(line.startswith("- {") for line in table.splitlines())
    print(f"tests: {done.stdout.strip().splitlines()[-1]}; {cases} cases in the table")
    return done.returncode == 0 and cases >= _TABLE_CASES


def backtest() -> bool:
    """A million decisions, and a sample of them one by one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample = _write_decisions(folder / "decisions.jsonl")
        draft = folder / "draft.yaml"
        text = default_pack_path().read_text(encoding="utf-8")
        draft.write_text(text.replace("short: [7, 15, 30]", "short: [7, 15]"), encoding="utf-8")
        seconds = _timed(folder, draft)
        small = folder / "sample.jsonl"
        small.write_text("\n".join(sample) + "\n", encoding="utf-8")
        _backtest(folder, small, draft)
        moves = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))["moves"]
        online = Counter((_step(line, default_pack_path()), _step(line, draft)) for line in sample)
        column = Counter({(move["old"], move["new"]): move["cases"] for move in moves})
    steps = Counter(was for was, _ in online.elements())
    print(
        f"backtest: {DECISIONS} decisions in {seconds:.1f} s on {os.cpu_count()} cores (at most "
        f"{MAX_SECONDS:.0f}); of {SAMPLE} ruled on one by one {dict(steps)}, moves "
        f"{'the same' if online == column else f'{online}, not {column}'}"
    )
    return seconds < MAX_SECONDS and online == column


def mutants() -> bool:
    """Every mutant of the floors is caught by their tests, which pass without one."""
    source = FLOORS.read_text(encoding="utf-8")
    if _caught(source):
        print(f"the tests of {FLOORS.name} fail as it is")
        return False
    found = list(_mutants(source))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        caught = list(pool.map(_caught, [mutant for _, mutant in found]))
    survivors = [what for (what, _), dead in zip(found, caught, strict=True) if not dead]
    print(f"mutants of {FLOORS.name}: {len(found)}, survivors: {survivors or 'none'}")
    return not survivors


CHECKS = {"tests": tests, "backtest": backtest, "mutants": mutants}


def _write_decisions(path: Path) -> list[str]:
    """Random decisions; the lines of the sample."""
    rng = random.Random(_SEED)
    heads = taxonomy().heads
    clauses = tuple(taxonomy().clauses)
    sample = []
    with path.open("w", encoding="utf-8") as file:
        for number in range(DECISIONS):
            case = {
                "decision_id": f"d{number}",
                "account_id": f"a{number % 1000}",
                "account_type": rng.choice(["none", "media", "professional", None]),
                "scores": {head: round(rng.random() ** 3, 4) for head in heads},
                "strikes": {"warning": rng.randint(0, 1), "short_mute": rng.randint(0, 3)},
                "findings": {
                    "clauses": [rng.choice(clauses)],
                    "claim_status": rng.choice(["false", "misleading", "unverified"]),
                    "evidence": ["e"],
                    "account_evidence": rng.choice([[], ["r"]]),
                    "sentence": "s",
                    "reviewers": ["r1", "r2"][: rng.randint(1, 2)],
                },
                "model": {"id": "m", "version": "1", "sha256": "0" * 64},
                "overturned": rng.random() < _OVERTURNED,
            }
            if rng.random() < _UNJUDGED:
                del case["findings"]
            line = json.dumps(case)
            file.write(line + "\n")
            if number % (DECISIONS // SAMPLE) == 0:
                sample.append(line)
    return sample


def _timed(folder: Path, draft: Path) -> float:
    start = time.perf_counter()
    _backtest(folder, folder / "decisions.jsonl", draft)
    return time.perf_counter() - start


def _backtest(folder: Path, decisions: Path, draft: Path) -> None:
    command = [str(Path(sys.executable).with_name("mingbian")), "policy", "backtest"]
    packs = ["--old", str(default_pack_path()), "--new", str(draft)]
    files = ["--decisions", str(decisions), "--out", str(folder / "out")]
    subprocess.run([*command, *packs, *files], check=True, capture_output=True)


def _step(line: str, pack: Path) -> str:
    """Of one case, ruled on alone."""
    return rule(Case.model_validate_json(line), _resolved(pack)).step.value


@cache
def _resolved(pack: Path) -> Policy:
    return resolve(load_pack(pack).pack, read_operating(default_model_folder()))


def _caught(source: str) -> bool:
    """Whether the floors' tests fail on a mutant, run in a copy of what they need."""
    with tempfile.TemporaryDirectory() as name:
        for package in ("labels", "policy", "tests"):
            ignored = shutil.ignore_patterns("corpus", "misinfocheck", "__pycache__")
            shutil.copytree(ROOT / package, Path(name) / package, ignore=ignored)
        (Path(name) / "tests" / "conftest.py").unlink()
        (Path(name) / "policy" / "floors.py").write_text(source, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-qx", "tests/policy/test_floors.py"],
            cwd=name,
            env={**os.environ, "PYTHONPATH": name},
            capture_output=True,
            check=False,
        )
    return done.returncode != 0


def _mutants(source: str) -> Iterator[tuple[str, str]]:
    """Each way to change one thing: what was changed, and the source with it.

    Indices and annotations are left alone: they name places and types, not rules.
    """
    tree = ast.parse(source)
    subscripts = [node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    indices = {id(inner) for index in subscripts for inner in ast.walk(index)}
    for place, node in enumerate(ast.walk(tree)):
        if id(node) in indices:
            continue
        for what, change in _changes(node):
            mutant = copy.deepcopy(tree)
            target = next(n for at, n in enumerate(ast.walk(mutant)) if at == place)
            change(target)
            line = getattr(node, "lineno", 0)
            yield f"line {line}: {what}", ast.unparse(mutant)


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    yield from _changes_of_logic(node)
    yield from _changes_of_values(node)


def _changes_of_logic(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OTHER:
        yield "comparison", lambda n: setattr(n, "ops", [_OTHER[type(n.ops[0])]()])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
        yield "and", lambda n: setattr(n, "op", ast.BitOr())
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield "or", lambda n: setattr(n, "op", ast.BitAnd())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        yield "not", lambda n: setattr(n, "op", ast.UAdd())
    if isinstance(node, ast.Attribute) and node.attr in _OTHER_NAME:
        yield node.attr, lambda n: setattr(n, "attr", _OTHER_NAME[n.attr])


def _changes_of_values(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Tuple) and len(node.elts) > 1 and isinstance(node.ctx, ast.Load):
        for gone in range(len(node.elts)):
            yield f"without item {gone}", lambda n, gone=gone: n.elts.pop(gone)
    if isinstance(node, ast.Constant) and type(node.value) is int and node.value > 0:
        yield "number", lambda n: setattr(n, "value", n.value - 1)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in _HARSHER:
        yield node.id, lambda n: setattr(n, "id", _HARSHER[n.id])


if __name__ == "__main__":
    main()
