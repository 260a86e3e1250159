"""``mingbian evaluate``."""

import json
import os
from pathlib import Path
from typing import Any

import click

from classifiers.bundle import Bundle, default_model_folder, read_bundle
from classifiers.scorer import Scorer, load_scorer
from labels.suite import Suite, load_suite, suite_folder
from policy.pack import default_pack_path, load_pack
from policy.resolve import Policy, resolve
from training.card import model_card
from training.options import corpus_option, data_option
from training.suite import suite_report

_existing = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("model", type=_existing, default=default_model_folder)
@click.option(
    "--suite",
    "suite_only",
    type=click.Choice(["misinfocheck"]),
    help="Run the functional tests alone and print pass rates.",
)
@click.option(
    "--policy",
    "policy_path",
    type=_existing,
    default=default_pack_path,
    show_default="cn-zimeiti",
    help="Policy pack (YAML) whose thresholds are applied.",
)
@corpus_option
@data_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/report"),
    show_default=True,
    help="Folder of report.json and report.html.",
)
@click.option("--card", is_flag=True, help="Also write the model card, MODEL/README.md, from it.")
@click.option("--json", "as_json", is_flag=True, help="With --suite: JSON, with what failed.")
def evaluate(  # noqa: PLR0913, PLR0917  one argument an option
    model: Path,
    suite_only: str | None,
    policy_path: Path,
    folder: Path,
    data_dir: Path | None,
    out: Path,
    card: bool,
    as_json: bool,
) -> None:
    """Measure MODEL, by default the one in the package, and write the release report.

    Every row that is measured is one the model did not learn from. Without --data-dir the report
    says nothing of other people's text.
    """
    bundle = read_bundle(model)
    scorer = load_scorer(model, threads=os.cpu_count() or 1)
    pack = load_pack(policy_path)
    policy = resolve(pack.pack, scorer.operating)
    versions = {"model": scorer.version.model_dump(), "policy": pack.version.model_dump()}
    suite = load_suite(suite_folder())
    if suite_only:
        _print_suite(suite_report(suite, scorer, policy), versions, as_json=as_json)
        return
    from training.release.page import write_report  # noqa: PLC0415

    report = _report(bundle, scorer, policy, suite, folder, data_dir)
    write_report(out, report, bundle, versions)
    if card:
        text = model_card(bundle.manifest, {**versions, **report})
        (model / "README.md").write_text(text, encoding="utf-8")
    click.echo(f"wrote {out / 'report.html'} and {out / 'report.json'}")


def _report(
    bundle: Bundle,
    scorer: Scorer,
    policy: Policy,
    suite: Suite,
    corpus: Path,
    data: Path | None,
) -> dict[str, Any]:
    from training.release.report import release_report  # noqa: PLC0415  scikit-learn is slow
    from training.release.rows import ScoredRows, unlearned  # noqa: PLC0415
    from training.release.scored import Model  # noqa: PLC0415

    rows = unlearned(bundle.manifest, corpus, data)
    model = Model.load(bundle, scorer, policy)
    return release_report(model, rows, ScoredRows.of(model, rows), suite)


def _print_suite(report: dict[str, Any], versions: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        whole = {"suite": "misinfocheck", **versions, **report}
        click.echo(json.dumps(whole, ensure_ascii=False, indent=1))
        return
    for found in report["functionalities"]:
        click.echo(_line(f"{found['id']} {found['zh']} {found['en']}", found))
    click.echo(_line("全部 all", report))


def _line(name: str, found: dict[str, Any]) -> str:
    passed = round(found["passed"] * found["cases"])
    return f"{found['passed']:6.1%}  {passed}/{found['cases']}  {name}"
