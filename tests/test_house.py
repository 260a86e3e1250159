"""The house holds: layers, lazy imports, no torch, a wheel that works elsewhere."""

import importlib
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import mingbian
from labels.errors import MingbianError
from tests.conftest import FAKE_DOCTOR, Run

ROOT = Path(__file__).parents[1]
PACKAGES = ("labels", "classifiers", "policy", "training", "serving")


def test_every_import_name_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other distributions bring packages of the same names."""
    mingbian.check_packages()
    owners = metadata.packages_distributions()
    for name in PACKAGES:
        assert set(owners.get(name, ["mingbian"])) == {"mingbian"}
        with monkeypatch.context() as stranger:
            stranger.setattr(importlib.import_module(name), "DISTRIBUTION", "stranger")
            with pytest.raises(MingbianError, match=name):
                mingbian.check_packages()


def test_help_lists_commands_without_loading_them() -> None:
    """`mingbian --help` works without the train extra, and fast."""
    code = (
        "import sys, mingbian\n"
        "try: mingbian.cli(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'onnxruntime', 'fastapi', 'sklearn', 'datasets', 'torch', 'pyarrow'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f"\n  {name}" in done.stdout for name in ("score", "serve", "train"))
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "command", [[], ["score"], ["serve"], ["models"], ["train"], ["train", "baseline"]]
)
def test_every_command_explains_itself(run: Run, command: list[str]) -> None:
    """Help exits 0 and names the options."""
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "Usage: mingbian" in done.stdout


def test_scoring_and_serving_load_nothing_of_the_train_extra() -> None:
    """They run where it is not installed."""
    code = (
        "import sys, serving.admin_commands, serving.commands, serving.serve_command\n"
        "import serving.watch.commands\n"
        "heavy = {'torch', 'transformers', 'datasets', 'sklearn', 'scipy', 'onnx'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_wheel_scores_outside_the_checkout(tmp_path: Path) -> None:
    """Model, pack, taxonomy and corpus are found as resources of an installed wheel."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("mingbian-*.whl")
    assert wheel.stat().st_size < 60 * 1024 * 1024
    site = tmp_path / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    code = (
        "import labels, mingbian, sys\n"
        "print(labels.__file__, file=sys.stderr)\n"
        "sys.argv = ['mingbian', 'score', '-']\n"
        "mingbian.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(FAKE_DOCTOR, ensure_ascii=False) + "\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
        check=True,
    )
    assert str(site) in done.stderr.splitlines()[0]
    assert json.loads(done.stdout)["suggestion"] in ("review", "act")
    listed = {str(path.relative_to(site)) for path in site.rglob("*")}
    assert "labels/taxonomy.json" in listed
    assert "policy/packs/cn-zimeiti.yaml" in listed
    assert any(name.startswith("labels/corpus/") for name in listed)
    assert not any(name.startswith(("tests", "configs", "benchmarks")) for name in listed)
