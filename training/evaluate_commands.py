"""``mingbian evaluate``."""

import json
import os
from pathlib import Path
from typing import Any

import click

from classifiers.bundle import default_model_folder
from classifiers.scorer import load_scorer
from labels.suite import load_suite, suite_folder
from policy.pack import default_pack_path, load_pack
from training.suite import suite_report

_existing = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("model", type=_existing, default=default_model_folder)
@click.option(
    "--suite",
    type=click.Choice(["misinfocheck"]),
    required=True,
    help="Functional tests to run.",
)
@click.option(
    "--policy",
    type=_existing,
    default=default_pack_path,
    show_default="cn-zimeiti",
    help="Policy pack (YAML) whose thresholds are applied.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the cases that failed.")
def evaluate(model: Path, suite: str, policy: Path, as_json: bool) -> None:
    """Test MODEL, by default the one in the package."""
    scorer = load_scorer(model, threads=os.cpu_count() or 1)
    pack = load_pack(policy)
    report = suite_report(load_suite(suite_folder()), scorer, pack.pack)
    versions = {"model": scorer.version.model_dump(), "policy": pack.version.model_dump()}
    if as_json:
        click.echo(json.dumps({"suite": suite, **versions, **report}, ensure_ascii=False, indent=1))
        return
    for found in report["functionalities"]:
        click.echo(_line(f"{found['id']} {found['zh']} {found['en']}", found))
    click.echo(_line("全部 all", report))


def _line(name: str, found: dict[str, Any]) -> str:
    passed = round(found["passed"] * found["cases"])
    return f"{found['passed']:6.1%}  {passed}/{found['cases']}  {name}"
