"""MisinfoCheck-zh: named functionalities, and hand-written cases that test each of them.

Structure: Röttger et al. 2021, *HateCheck*. No model may learn from these cases.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from labels.errors import CorpusError
from labels.records import Post
from labels.taxonomy import Category
from labels.yamlfile import Strict, read_yaml

MIN_CASES = 10

#: a functionality may hold cases of one kind, both sides of pairs, or disguised violations
Expectation = Annotated[Category, Field(strict=False)] | Literal["clear", "pair", "flagged"]


class Functionality(Strict):
    """One thing a checker must be able to do; ``clause`` is the one it comes from, if any."""

    id: Annotated[str, Field(pattern="^F[0-9]{2}$")]
    group: str
    zh: str
    en: str
    expect: Expectation
    clause: str | None = None

    def allows(self, expect: Category | None) -> bool:
        """Whether a case may expect this category, or none."""
        if isinstance(self.expect, Category):
            return expect is self.expect
        return self.expect != "clear" or expect is None


class _Functionalities(Strict):
    functionalities: list[Functionality]


class _Row(Strict):
    id: str
    functionality: str
    expect: Category | Literal["clear"]
    post: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A post, and the category that should be raised, or None if nothing should."""

    functionality: str
    expect: Category | None
    post: Post


@dataclass(frozen=True, slots=True)
class Suite:
    """All functionalities, in order, and their cases; a post's ``data_id`` is its case's id."""

    functionalities: tuple[Functionality, ...]
    cases: tuple[Case, ...]


def suite_folder() -> Path:
    """The folder of the suite that rides in the package."""
    return Path(str(resources.files("labels").joinpath("misinfocheck")))


def load_suite(folder: Path) -> Suite:
    """Read ``functionalities.yaml`` and ``cases/<group>.jsonl``.

    Raises:
        ConfigError: the functionalities are not in order.
        CorpusError: cases are not; all faults are listed.
    """
    known = read_yaml(folder / "functionalities.yaml", _Functionalities).functionalities
    faults: list[str] = []
    cases = [case for path in sorted(folder.glob("cases/*.jsonl")) for case in _read(path, faults)]
    faults += _mismatches({f.id: f for f in known}, cases)
    if faults:
        raise CorpusError(f"{len(faults)} faults:\n" + "\n".join(faults))
    return Suite(tuple(known), tuple(cases))


def _read(path: Path, faults: list[str]) -> Iterator[Case]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = _Row.model_validate_json(line)
            post = Post.model_validate_json(json.dumps({"data_id": row.id, **row.post}))
        except ValidationError as error:
            first = error.errors()[0]
            faults.append(f"{path.name}:{number}: {first['loc']}: {first['msg']}")
            continue
        yield Case(row.functionality, None if row.expect == "clear" else row.expect, post)


def _mismatches(known: dict[str, Functionality], cases: list[Case]) -> Iterator[str]:
    counts = Counter(case.functionality for case in cases)
    yield from (
        f"{name}: {counts[name]} cases, at least {MIN_CASES} are needed"
        for name in known
        if counts[name] < MIN_CASES
    )
    ids = Counter(case.post.data_id for case in cases)
    yield from (f"{name}: {count} cases have this id" for name, count in ids.items() if count > 1)
    for case in cases:
        functionality = known.get(case.functionality)
        if functionality is None:
            yield f"{case.post.data_id}: no functionality {case.functionality!r}"
        elif not functionality.allows(case.expect):
            yield f"{case.post.data_id}: {case.functionality} does not expect {case.expect}"
