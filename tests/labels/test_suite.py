"""MisinfoCheck-zh is whole, is told what is wrong with it, and is nobody's training text."""

import json
import shutil
from pathlib import Path

import pytest

from labels.dataset import corpus_folder, load_corpus, posts
from labels.disguise import fold
from labels.errors import CorpusError
from labels.suite import MIN_CASES, Suite, load_suite, suite_folder
from labels.taxonomy import taxonomy


@pytest.fixture(scope="module")
def suite() -> Suite:
    """The one in the package."""
    return load_suite(suite_folder())


def test_every_clause_and_more_is_tested(suite: Suite) -> None:
    """At least 40 functionalities, each clause among them, ten cases each, both verdicts."""
    assert len(suite.functionalities) >= 40
    assert len(suite.cases) >= MIN_CASES * len(suite.functionalities)
    assert {f.clause for f in suite.functionalities} >= set(taxonomy().clauses)
    flagged = sum(case.expect is not None for case in suite.cases)
    assert 0.4 < flagged / len(suite.cases) < 0.6


def test_no_case_is_in_the_corpus(suite: Suite) -> None:
    """Its text is never trained on."""
    learned = {fold(post.text or "") for post in posts(load_corpus(corpus_folder()))}
    assert not [c.post.data_id for c in suite.cases if fold(c.post.text or "") in learned]


def test_faults_are_listed_together(tmp_path: Path) -> None:
    """A missing field, an unknown functionality, a wrong expectation, an id used twice."""
    folder = tmp_path / "suite"
    shutil.copytree(suite_folder(), folder)
    case = {"id": "F25-01", "functionality": "F25", "expect": "distortion", "post": {"text": "x"}}
    wrong = [case, {**case, "id": "F99-01", "functionality": "F99"}, {**case, "post": {}}]
    with (folder / "cases" / "more.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in wrong)
    (folder / "cases" / "stance.jsonl").unlink()
    with pytest.raises(CorpusError) as told:
        load_suite(folder)
    for fault in (
        "more.jsonl:3",
        "F25-01: 2 cases have this id",
        "F25-01: F25 does not expect distortion",
        "F99-01: no functionality 'F99'",
        "F62: 0 cases, at least 10 are needed",
    ):
        assert fault in str(told.value)
