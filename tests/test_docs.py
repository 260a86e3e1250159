"""What the documents promise is what the program does."""

import json
import re
from pathlib import Path

import pytest

from labels.results import RejectedPost, ScoredPost
from serving.engine import Engine

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readmes_example_answers_as_printed(engine: Engine, name: str) -> None:
    """The fake doctor is flagged, the verified one passes, and the printed answer is real."""
    text = (ROOT / name).read_text(encoding="utf-8")
    asked = re.search(r"-d '(\{.*?\})'\n```", text, re.DOTALL)
    answered = re.search(r"```json\n(.*?)\n```", text, re.DOTALL)
    assert asked
    assert answered
    items = json.loads(asked[1])["items"]
    fake, real = (r.model_dump() for r in engine.score([json.dumps(item) for item in items]))
    assert fake["suggestion"] in ("review", "act")
    assert real["suggestion"] == "pass"
    printed = json.loads(answered[1])
    assert list(printed) == [key for key in fake if key != "callback"]
    assert printed["suggestion"] == fake["suggestion"]
    assert [x["clause"] for x in printed["labels"]] == [x["clause"] for x in fake["labels"]]
    assert printed["proposed_sanction"]["requires"] == list(fake["proposed_sanction"]["requires"])


def test_every_key_of_a_result_is_documented() -> None:
    """docs/scoring.md names what integrators receive."""
    text = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
    for key in (*ScoredPost.model_fields, *RejectedPost.model_fields):
        assert f"`{key}`" in text or f"`{key}" in text, key


def test_relative_links_lead_somewhere() -> None:
    """No document points at a file that is not there."""
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("labels/corpus/*.md")):
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
