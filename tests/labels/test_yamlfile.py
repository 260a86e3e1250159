"""Configuration faults are told by file, line, field, value and remedy."""

import pytest

from labels.errors import ConfigError
from labels.yamlfile import Strict, load_yaml


class Inner(Strict):
    rate: float


class Outer(Strict):
    name: str
    inner: Inner
    many: list[Inner] | None = None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: a\ninner:\n  rate: high\n", "f.yaml:3: inner.rate: Input should be a valid number"),
        ("name: a\ninner: {rate: 1.0}\nextra: 1\n", "f.yaml:3: extra: Extra inputs"),
        ("name: a\ninner: {rate: 1.0}\nname: b\n", "f.yaml:3: key 'name' is already on line 1"),
        ("name: a\n", "f.yaml:1: inner: Field required"),
        ("name: 3\ninner: {rate: 1.0}\n", "f.yaml:1: name: Input should be a valid string"),
        ("name: a\ninner: {rate: 1.0}\nmany:\n- rate: 1.0\n- rte: 1.0\n", "f.yaml:5: many.1.rte"),
        ("name: [\n", "f.yaml:2: not YAML"),
        ("? [a]\n: b\n", "f.yaml:1: a key is a list"),
        ("? {a: b}\n: c\n", "f.yaml:1: a key is a list"),
        ("name: &a b\nmany: *a\n", "f.yaml:2: aliases are not read"),
        ("name: 2025-02-30 00:00:00\n", "f.yaml: not YAML"),
        ("name: !!int x\n", "f.yaml: not YAML"),
        ("name: 0x_\n", "f.yaml: not YAML"),
        ("[" * 3000, "f.yaml: not YAML"),
        ("\n".join(f"k{n}: 1" for n in range(200)), "f.yaml: and 102 more"),
        ("", "f.yaml:1: file: Input should be a valid dictionary"),
    ],
)
def test_a_fault_leads_to_its_line(text: str, told: str) -> None:
    """A reviewer can mend the file from the message alone."""
    with pytest.raises(ConfigError) as caught:
        load_yaml(text, Outer, name="f.yaml")
    assert told in str(caught.value)
    assert caught.value.code == "config_invalid"


def test_all_faults_are_told_at_once() -> None:
    """Nobody mends a file fault by fault."""
    with pytest.raises(ConfigError) as caught:
        load_yaml("nme: a\ninner: {rate: x}\n", Outer, name="f.yaml")
    assert {line.split(": ")[1] for line in str(caught.value).splitlines()} == {
        "name",
        "inner.rate",
        "nme",
    }
