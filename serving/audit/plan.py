"""What an audit is: written down first, and compared whenever it goes on."""

import hashlib
from datetime import date
from pathlib import Path

from labels.errors import InputError
from labels.results import Version
from labels.yamlfile import Strict
from serving.audit.layout import Layout
from serving.audit.sources import SourceFile
from serving.audit.tables import replacing

#: files that a message names at most
_NAMED = 5


class Plan(Strict):
    """Everything that results depend on, but for the rows themselves.

    ``history`` is the SHA-256 of the file of events. ``columns`` is the mapping that was given.
    ``cascade``: whether the model's first stage cleared posts. Audits of format 1 had no stages.
    """

    format: int = 2
    sources: tuple[SourceFile, ...]
    columns: dict[str, str] | None
    model: Version
    cascade: bool = False
    policy: Version
    history: str | None
    first: date | None
    last: date | None


def claim(layout: Layout, plan: Plan) -> None:
    """Make a folder this audit's, or go on in it.

    Raises:
        InputError: it is another's; the message says what differs.
    """
    if layout.plan.exists():
        if others := differing(read_plan(layout), plan):
            raise InputError(
                f"--out {layout.out} holds another audit ({'; '.join(others)})",
                remedy="name another folder",
            )
        return
    if layout.out.exists() and any(layout.out.iterdir()):
        raise InputError(f"--out {layout.out}: is not empty", remedy="name a new folder")
    with replacing(layout.plan) as part:
        part.write_text(plan.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_plan(layout: Layout) -> Plan:
    """The plan of an audit; ``InputError`` if the folder holds none."""
    try:
        return Plan.model_validate_json(layout.plan.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{layout.out}: holds no audit: {error}") from None


def sha256_of(path: Path) -> str:
    """Of a file's bytes (hex)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def differing(old: Plan, new: Plan) -> list[str]:
    """What differs between two plans, in words."""
    found = [
        f"{name}: was {_told(getattr(old, name))}, now {_told(getattr(new, name))}"
        for name in Plan.model_fields
        if name != "sources" and getattr(old, name) != getattr(new, name)
    ]
    before, after = ({file.name: file.size for file in plan.sources} for plan in (old, new))
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if changed:
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        sizes = (f"{n}: {before.get(n, 'no')} -> {after.get(n, 'no')}" for n in changed[:_NAMED])
        found.append(f"sources, in bytes: {', '.join(sizes)}{more}")
    return found


def _told(value: object) -> str:
    if isinstance(value, Version):
        return f"{value.id} {value.version} ({value.sha256[:12]})"
    return str(value)
