"""What the documents promise is what the program does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from labels.results import RejectedPost, ScoredPost
from serving.app import Settings, create_app
from serving.desk import Desk
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
    assert printed.pop("decision_id").startswith("dec_")
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


def shape(document: dict[str, Any]) -> dict[str, Any]:
    """What of an OpenAPI document does not change with the framework's version."""
    return {
        "answers": {
            f"{method} {path}": sorted(route["responses"])
            for path, methods in document["paths"].items()
            for method, route in methods.items()
        },
        "fields": {
            name: sorted(schema.get("properties", {}))
            for name, schema in document["components"]["schemas"].items()
        },
    }


def test_the_printed_openapi_document_is_the_servers(local_desk: Desk) -> None:
    """Integrators generate clients from docs/openapi.json."""
    found = create_app(local_desk, Settings()).openapi()
    fresh = ROOT / "build" / "openapi.json"
    fresh.parent.mkdir(exist_ok=True)
    text = json.dumps(found, ensure_ascii=False, indent=1)
    fresh.write_text(text + "\n", encoding="utf-8")
    printed = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert shape(printed) == shape(found), f"cp {fresh} docs/openapi.json"


def test_every_route_is_documented() -> None:
    """docs/serving.md names each resource."""
    text = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    for resource in {path.split("/")[2] for path in document["paths"] if "/v1/" in path}:
        assert resource in text, resource
