"""Packs are checked before they decide anything."""

from pathlib import Path

import pytest

from labels.errors import ConfigError
from policy.pack import default_pack_path, load_pack


@pytest.mark.parametrize(
    ("old", "new", "told", "line_holds"),
    [
        ("review: fpr <= 0.006", "review: 1.4", "less than or equal to 1", "imp"),
        (
            "fpr <= 0.006, act: precision >= 0.95",
            "0.9, act: 0.8",
            "above act 0.8",
            "imp",
        ),
        ("fpr <= 0.006", "fpr >= 0.006", "is no statistic", "impersonation:"),
        ("impersonation: 0.01", "impersonation: 1", "population_rate", "impersonation: 1"),
        ("labels_alone:", "label_alone:", "Extra inputs", "label_alone:"),
        ("severity: S4, claim", "severity: S5, claim", "clauses.1.1.severity", '"1.1":'),
        ('"4.6":', '"4.7":', "missing ['4.6'], not in the taxonomy ['4.7']", "clauses:"),
        ("at_most: warning", "at_most: long_mute", "labels_alone.at_most", "at_most:"),
        ('"3.3": short_mute', '"3.1": short_mute', "cannot pass warning", "labels_alone:"),
        ('"3.3": short_mute', '"3.3": closure', "labels_alone.except.3.3", "except:"),
        ("[7, 15, 30]", "[7, 15, 7]", "do not grow longer", "mutes:"),
        ("[7, 15, 30]", "[]", "mutes.short", "short:"),
        ("[key_field_malice, safety_harm]", "[safety_harm]", "key_field_malice", "modifiers:"),
        ("[key_field_malice, safety_harm]", "[malice]", "modifiers.raise_to", "raise_to_long"),
        ("last: 2025-09-23", "last: 2025-07-23", "is before first", "campaign:"),
        ("strike_days: 180", "strike_days: 0", "strike_days", "strike_days:"),
        ("id: cn-zimeiti", "id: cn-zimeiti\nid: other", "already on line", "id: other"),
    ],
)
def test_a_fault_names_file_line_and_field(
    tmp_path: Path, old: str, new: str, told: str, line_holds: str
) -> None:
    """A policy owner can mend the pack from the message alone."""
    text = default_pack_path().read_text(encoding="utf-8")
    assert old in text
    bad = tmp_path / "bad.yaml"
    bad.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_pack(bad)
    assert told in str(caught.value)
    (fault,) = (line for line in str(caught.value).splitlines() if told in line)
    number = int(fault.removeprefix(f"{bad}:").split(":")[0])
    assert line_holds in bad.read_text(encoding="utf-8").splitlines()[number - 1]


def test_the_hash_follows_the_bytes(tmp_path: Path) -> None:
    """Two packs that differ are never recorded as one."""
    copy = tmp_path / "copy.yaml"
    text = default_pack_path().read_text(encoding="utf-8")
    copy.write_text(text, encoding="utf-8")
    assert load_pack(copy).version == load_pack(default_pack_path()).version
    copy.write_text(text + "# a note\n", encoding="utf-8")
    assert load_pack(copy).version.sha256 != load_pack(default_pack_path()).version.sha256


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A mistyped path is not an empty pack."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_pack(tmp_path / "none.yaml")
