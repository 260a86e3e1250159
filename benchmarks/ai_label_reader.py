"""Platforms' own label texts, read by the label reader: every one must be read.

python benchmarks/ai_label_reader.py --data-dir DIR
"""

import argparse
import csv
import sys
from pathlib import Path

from labels.reader import Kind, read_explicit


def main() -> int:
    """Print what was missed; exit 1 if anything was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    table = parser.parse_args().data_dir / "ai-label-vocabulary" / "labels.tsv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    missed = [row for row in rows if not _read(row["class"], row["text"])]
    for row in missed:
        print(f"missed: {row['class']}: {row['text']}")
    print(f"{len(rows) - len(missed)} of {len(rows)} label texts read")
    return 1 if missed else 0


def _read(label_class: str, text: str) -> bool:
    kinds = {label.kind for label in read_explicit(text)}
    return Kind.AI in kinds if label_class.startswith("ai") else bool(kinds)


if __name__ == "__main__":
    sys.exit(main())
