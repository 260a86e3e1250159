"""``mingbian policy``."""

import difflib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial, reduce
from itertools import count, islice
from operator import add
from pathlib import Path
from typing import IO, Any, get_args

import click
import yaml
from pydantic import TypeAdapter

from labels.cases import Case
from labels.decisions import Decision
from labels.errors import ConfigError, InputError
from labels.jsonl import read_records
from labels.operating import Operating, read_operating
from policy.backtest import Tally, compare, report
from policy.backtest_page import page
from policy.pack import LoadedPack, check_released, default_pack_path, load_pack
from policy.reasons import FoundBy, statement, transparency_record
from policy.replay import campaign_rows, decision, policy_of, replay
from policy.resolve import Policy, resolve

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_folder = click.Path(file_okay=False, path_type=Path)
_CHUNK = 10_000
_DECISION: TypeAdapter[Decision] = TypeAdapter(Decision)
_CASE: TypeAdapter[Case] = TypeAdapter(Case)

_Tables = dict[str, Operating]

_pack_option = click.option(
    "--policy",
    "pack",
    type=_file,
    default=default_pack_path,
    show_default="cn-zimeiti",
    help="Policy pack (YAML).",
)


def _operating(context: click.Context, _: click.Parameter, model: Path | None) -> Any:
    """The tables of a bundle; the command line knows where the one in the package lies."""
    return read_operating(model or context.obj())


_model_option = click.option(
    "--model",
    "operating",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    callback=_operating,
    help="Bundle whose table resolves statistics; by default the one in the package.",
)


@click.group()
def policy() -> None:
    """Check, compare and try policy packs."""


@policy.command()
@click.argument("packs", nargs=-1, type=_file)
def check(packs: tuple[Path, ...]) -> None:
    """Check PACKS, by default the one in the package: every fault of every file.

    A version that was released never changes its content.
    """
    faults = []
    for path in packs or (default_pack_path(),):
        try:
            version = load_pack(path).version
            check_released(version, path)
            click.echo(f"{path}: {version.id} {version.version} {version.sha256}")
        except ConfigError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults))


@policy.command()
@click.argument("pack", type=_file, default=default_pack_path)
def show(pack: Path) -> None:
    """PACK as it is read, with its hash."""
    click.echo("\n".join(_lines(load_pack(pack))))


@policy.command()
@click.argument("old", type=_file)
@click.argument("new", type=_file)
def diff(old: Path, new: Path) -> None:
    """What differs between two packs, whatever their order and comments."""
    before, after = _lines(load_pack(old)), _lines(load_pack(new))
    for line in difflib.unified_diff(before, after, str(old), str(new), lineterm="", n=1):
        click.echo(line)


@policy.command("rule")
@click.argument("source", metavar="CASES", type=click.File(encoding="utf-8"))
@click.option("-o", "--out", type=click.File("w", encoding="utf-8"), default="-")
@_pack_option
@_model_option
def rule_command(source: IO[str], out: IO[str], pack: Path, operating: _Tables) -> None:
    """Rule on CASES (JSONL): one decision a line, with all that led to it.

    A case without findings is answered with a proposal, so a draft pack can be tried on a post.
    """
    loaded = load_pack(pack)
    resolved = resolve(loaded.pack, operating)
    for case in _cases(source, source.name):
        kept = decision(case, loaded, resolved, datetime.now(UTC))
        out.write(kept.model_dump_json() + "\n")


@policy.command()
@click.argument("source", metavar="DECISIONS", type=click.File(encoding="utf-8"))
@_pack_option
def explain(source: IO[str], pack: Path) -> None:
    """Replay DECISIONS (JSONL, as `policy rule` writes them) and print how each came about."""
    loaded = load_pack(pack)
    for kept in _decisions(source):
        replay(kept, loaded)
        click.echo(f"{kept.case.decision_id}  {kept.decided.isoformat()}")
        for rule in kept.trace:
            click.echo(f"  {rule}")


@policy.command()
@click.argument("source", metavar="DECISIONS", type=click.File(encoding="utf-8"))
@click.option(
    "--found-by",
    type=click.Choice(get_args(FoundBy)),
    default="own_search",
    show_default=True,
    help="How the posts came to notice.",
)
@click.option("--transparency", is_flag=True, help="Fields of the EU transparency database.")
@_pack_option
def reasons(source: IO[str], found_by: FoundBy, pack: Path, *, transparency: bool) -> None:
    """Write the statement of reasons of each of DECISIONS (JSONL), Chinese and English.

    One that could be sent to anyone is refused: words at issue and evidence must be there.
    """
    loaded = load_pack(pack)
    for kept in _decisions(source):
        given = kept.case, policy_of(kept, loaded), kept.decided, found_by, kept.step
        told = transparency_record(*given) if transparency else asdict(statement(*given))
        line = {"decision_id": kept.case.decision_id, **told}
        click.echo(json.dumps(line, ensure_ascii=False))


@policy.command()
@click.argument("source", metavar="DECISIONS", type=click.File(encoding="utf-8"))
@_pack_option
def campaign(source: IO[str], pack: Path) -> None:
    """Count the DECISIONS (JSONL) of the pack's campaign days, by category and step."""
    found = load_pack(pack).pack.campaign
    counts: Counter[tuple[str, str]] = Counter()
    for kept in _decisions(source):
        if found.first <= kept.decided.date() <= found.last:
            counts.update(campaign_rows(kept))
    click.echo(f"{found.name}  {found.first} - {found.last}")
    for (category, step), number in sorted(counts.items()):
        click.echo(f"{category:18} {step:12} {number}")


@policy.command()
@click.option("--old", type=_file, required=True, help="Pack of the time.")
@click.option("--new", type=_file, required=True, help="Candidate.")
@click.option("--decisions", type=_file, required=True, help="Cases (JSONL) that were decided.")
@click.option("--rescored", type=_file, help="The same cases, scored by another model.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("build/backtest")
)
@_model_option
def backtest(
    old: Path,
    new: Path,
    decisions: Path,
    rescored: Path | None,
    out: Path,
    operating: _Tables,
) -> None:
    """Who would move where: report.html and report.json."""
    packs = load_pack(old), load_pack(new)
    before, after = (resolve(loaded.pack, operating) for loaded in packs)
    tally = _tally(decisions, rescored, before, after)
    found = report(tally)
    out.mkdir(parents=True, exist_ok=True)
    versions = {"old": packs[0].version, "new": packs[1].version}
    whole = {name: version.model_dump() for name, version in versions.items()} | found
    text = json.dumps(whole, ensure_ascii=False, indent=1)
    (out / "report.json").write_text(text + "\n", encoding="utf-8")
    (out / "report.html").write_text(page(found, **versions), encoding="utf-8")
    click.echo(
        f"{found['cases']} decisions, {found['harsher']} harsher, {found['milder']} milder; "
        f"wrote {out / 'report.html'}"
    )


def _lines(loaded: LoadedPack) -> list[str]:
    """A pack as sorted YAML, its version first."""
    fields = loaded.pack.model_dump(mode="json", by_alias=True)
    text = yaml.safe_dump(fields, allow_unicode=True, sort_keys=True)
    return [f"# sha256 {loaded.version.sha256}", *text.splitlines()]


def _decisions(source: IO[str]) -> Iterator[Decision]:
    return read_records(source, _DECISION, source.name, "decision")


def _cases(lines: Iterable[str | bytes], name: str, first: int = 1) -> Iterator[Case]:
    return read_records(lines, _CASE, name, "case", first)


def _tally(decisions: Path, rescored: Path | None, old: Policy, new: Policy) -> Tally:
    """Chunk by chunk on every core; memory does not grow with the files."""
    starts = [_starts(path) for path in (decisions, rescored) if path]
    if len({lines for _, lines in starts}) > 1:
        raise InputError(f"{decisions} and {rescored} do not hold the same cases")
    work = partial(_compared, decisions=decisions, rescored=rescored, old=old, new=new)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        chunks = zip(count(1, _CHUNK), *(found for found, _ in starts), strict=False)
        return reduce(add, pool.map(work, chunks), Tally())


def _compared(
    chunk: tuple[int, ...], decisions: Path, rescored: Path | None, old: Policy, new: Policy
) -> Tally:
    first, *starts = chunk
    cases = _read(decisions, starts[0], first)
    if rescored is None:
        return compare(cases, old, new)
    again = _read(rescored, starts[1], first)
    if [case.decision_id for case in cases] != [case.decision_id for case in again]:
        raise InputError(
            f"{rescored}: not the cases of {decisions} from line {first} on",
            remedy="keep their order",
        )
    return compare(cases, old, new, again)


def _read(path: Path, start: int, first: int) -> list[Case]:
    with path.open("rb") as file:
        file.seek(start)
        return list(_cases(islice(file, _CHUNK), str(path), first))


def _starts(path: Path) -> tuple[list[int], int]:
    """Where every chunk of lines begins, in bytes, and how many lines there are."""
    starts, at, lines = [], 0, 0
    with path.open("rb") as file:
        for line in file:
            if lines % _CHUNK == 0:
                starts.append(at)
            at, lines = at + len(line), lines + 1
    return starts, lines
