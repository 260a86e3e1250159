"""``mingbian retrain`` and ``mingbian gates``."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from classifiers.bundle import default_model_folder, read_bundle
from labels.errors import InputError
from labels.label_events import read_events
from labels.release import GATES, GateReport, Override
from labels.yamlfile import read_yaml
from policy.pack import default_pack_path, load_pack
from training.gates.config import GatesConfig
from training.options import config_option, corpus_option, data_option, jobs_option, quiet

_folder = click.Path(file_okay=False, path_type=Path)
_bundle = click.Path(exists=True, file_okay=False, path_type=Path)
_events = click.Path(exists=True, dir_okay=False, path_type=Path)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)

champion_option = click.option(
    "--champion",
    type=_bundle,
    default=default_model_folder,
    show_default="the model in the package",
    help="Bundle that is in force.",
)
gates_option = click.option(
    "--gates",
    "gates_path",
    type=_file,
    default=Path("configs/release.yaml"),
    show_default=True,
    help="What the candidate is held against.",
)
policy_option = click.option(
    "--policy",
    "policy_path",
    type=_file,
    default=default_pack_path,
    show_default="cn-zimeiti",
    help="Policy pack (YAML) whose thresholds are applied.",
)


@click.command()
@click.argument("sources", metavar="EVENTS...", nargs=-1, required=True, type=_events)
@champion_option
@config_option("configs/retrain.yaml")
@gates_option
@policy_option
@corpus_option
@data_option
@click.option("--version", required=True, help="Version of the candidate.")
@click.option(
    "--out",
    type=_folder,
    default=Path("build/retrain"),
    show_default=True,
    help="Folder of the candidate, its reports and checkpoints; the same command goes on there.",
)
@jobs_option
def retrain(**options: Any) -> None:
    """From label EVENTS to a candidate: screened, trained from the champion, held against gates.

    Exits with 2 where a gate failed: the candidate is there, and may not be released as it is.
    """
    from training.retrain import Retraining  # noqa: PLC0415  torch takes seconds to load

    quiet()
    _tell(Retraining(**options).run())


@click.group()
def gates() -> None:
    """Hold a candidate against the champion before it is released."""


@gates.command("run")
@click.argument("candidate", type=_bundle)
@champion_option
@gates_option
@policy_option
@corpus_option
@data_option
@click.option(
    "--past",
    "past",
    multiple=True,
    type=_events,
    help="Label events, whose posts are the past decisions.",
)
def run_(  # noqa: PLR0913, PLR0917  one argument an option
    candidate: Path,
    champion: Path,
    gates_path: Path,
    policy_path: Path,
    folder: Path,
    data_dir: Path | None,
    past: tuple[Path, ...],
) -> None:
    """Measure CANDIDATE beside the champion, write CANDIDATE/gates.json; exit 2 if one failed."""
    from training.gates.run import (  # noqa: PLC0415  scikit-learn is slow
        Measuring,
        run_gates,
        write_gates,
    )

    posts = [event.post for path in past for event in read_events(path)]
    report, _ = run_gates(
        read_bundle(champion),
        read_bundle(candidate),
        read_yaml(gates_path, GatesConfig),
        Measuring(load_pack(policy_path), folder, data_dir, posts),
    )
    write_gates(candidate, report)
    _tell(report)


@gates.command()
@click.argument("candidate", type=_bundle)
@click.option("--reason", required=True, help="Why it may be released though a gate failed.")
@click.option("--by", multiple=True, required=True, help="Who says so; twice, two people.")
def override(candidate: Path, reason: str, by: tuple[str, ...]) -> None:
    """Record that two people release CANDIDATE though a gate failed."""
    path = candidate / GATES
    if not path.is_file():
        raise InputError(f"{path}: no gates were run", remedy="mingbian gates run")
    report = GateReport.model_validate_json(path.read_bytes())
    if report.model != read_bundle(candidate).version:
        raise InputError(f"{path}: is of another model", remedy="mingbian gates run")
    if not report.failed:
        raise InputError(f"{path}: no gate failed, so there is nothing to override")
    try:
        said = Override.model_validate({"reason": reason, "by": by, "at": datetime.now(UTC)})
    except ValueError as error:
        raise InputError(f"--reason, --by: {error}", remedy="give a reason and two names") from None
    changed = report.model_copy(update={"override": said})
    path.write_text(changed.model_dump_json(indent=1) + "\n", encoding="utf-8")
    click.echo(f"{report.model.version} may be released: {reason} ({by[0]}, {by[1]})")


def _tell(report: GateReport) -> None:
    for gate in report.gates:
        click.echo(f"{'pass' if gate.passed else 'FAIL'}  {gate.name}: {gate.found}")
        if not gate.passed:
            click.echo(f"      allowed: {gate.allowed}")
            for example in gate.examples:
                click.echo(f"      {example}")
    if report.failed:
        failed = ", ".join(gate.name for gate in report.failed)
        raise InputError(
            f"{report.model.version} does not pass: {failed}",
            remedy="mend it, or have two people override it with `mingbian gates override`",
        )
