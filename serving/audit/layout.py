"""Where everything of one audit lies."""

from pathlib import Path

from labels.errors import InputError


class Layout:
    """A folder of results; what is only needed until they are whole lies under ``work``."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.work = out / "work"
        self.plan = out / "plan.json"
        self.index = self.work / "index.db"
        self.decisions_file = out / "decisions.parquet"
        self.errors_file = out / "errors.parquet"
        self.clusters_file = out / "clusters.parquet"
        self.summary = out / "summary.json"
        self.report = out / "report.html"

    def check_finished(self) -> None:
        """Raises ``InputError`` if no audit has come to its end here."""
        if not self.summary.exists():
            raise InputError(
                f"{self.out}: holds no finished audit",
                remedy="run `mingbian audit run` to its end",
            )

    def read(self, number: int) -> Path:
        """Rows of a chunk."""
        return self._chunk("read", number, "parquet")

    def errors(self, number: int) -> Path:
        """Refused rows of a chunk."""
        return self._chunk("errors", number, "parquet")

    def inputs(self, number: int) -> Path:
        """Inputs that were new in a chunk."""
        return self._chunk("inputs", number, "parquet")

    def scores(self, number: int) -> Path:
        """Scores of those inputs."""
        return self._chunk("scores", number, "npy")

    def signatures(self, number: int) -> Path:
        """Signatures of the contents that were new in a chunk."""
        return self._chunk("signatures", number, "parquet")

    def decisions(self, number: int) -> Path:
        """Decisions of a chunk."""
        return self._chunk("decisions", number, "parquet")

    def _chunk(self, kind: str, number: int, suffix: str) -> Path:
        return self.work / kind / f"{number:08}.{suffix}"
