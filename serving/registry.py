"""The folder of model versions, each under the hash of its manifest: never changed, never half."""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import make_url

from classifiers.bundle import MANIFEST, Bundle, read_bundle, read_manifest
from classifiers.cache import ScoreCache
from classifiers.scorer import Scorer, load_scorer
from labels.errors import ModelError
from labels.records import Post
from labels.release import DATA_CARD, GATES, LEARNED, QUALITY, GateReport, Learned, Screening
from serving.refusal import RequestError

#: what a version may have beside its manifest and the files named there
_BESIDE = ("README.md", "LICENSE", DATA_CARD, GATES, LEARNED, QUALITY)
_ADDING = ".adding-"
#: a copy that is older was killed
_ABANDONED_SECONDS = 3600
#: scored once before a version answers, so that the first post waits for nothing
_FIRST_POST = Post(data_id="warm-up", text="今天天气不错。")


def default_registry_folder(store: str) -> Path:
    """Beside an SQLite file, under its name; ``mingbian.models`` in this folder for others."""
    url = make_url(store)
    beside = url.database if url.get_backend_name() == "sqlite" else None
    return Path(beside or "mingbian.db").with_suffix(".models")


class Registry:
    """Versions in a folder that every server on a store shares."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made with the first version."""
        self._folder = folder

    def folder(self, sha256: str) -> Path:
        """Where a version lies, or would."""
        return self._folder / sha256

    def has(self, sha256: str) -> bool:
        """Whether a version was added; it may have been damaged since."""
        return (self.folder(sha256) / MANIFEST).is_file()

    def add(self, source: Path) -> Bundle:
        """Copy a bundle in; a version that is there and whole is not copied again.

        The copy is checked under a temporary name and then renamed, so that a kill leaves no
        half version. A version that was damaged is replaced. A gate report takes the place of
        an earlier one: it is no part of what the hash covers.

        Raises:
            ModelError: the parts do not match the manifest, or the gate report or what was
                learned cannot be read or is of another model.
        """
        bundle = read_bundle(source)
        gates_of(bundle)
        screening_of(bundle)
        for _ in learned_of(bundle):
            pass
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clear()
        if not self._is_whole(bundle.sha256):
            self._copy(bundle)
        elif (source / GATES).is_file():
            self._replace_gates(source, bundle.sha256)
        return self.manifest(bundle.sha256)

    def read(self, sha256: str) -> Bundle:
        """A version, its parts checked; raises ``ModelError`` if it is missing or damaged."""
        return self._checked(read_bundle(self.folder(sha256)), sha256)

    def check(self, sha256: str) -> None:
        """Refuse to release a version that no server could load; raises ``RequestError``."""
        try:
            self.read(sha256)
        except ModelError as error:
            raise RequestError("model_unloadable", str(error)) from None

    def manifest(self, sha256: str) -> Bundle:
        """A version, its manifest checked; raises ``ModelError`` if it is missing or damaged."""
        return self._checked(read_manifest(self.folder(sha256)), sha256)

    def load(self, sha256: str, *, threads: int, cache: ScoreCache | None = None) -> Scorer:
        """A version, ready to answer; raises ``ModelError`` or ``ScoringError`` if it is not."""
        self.manifest(sha256)
        scorer = load_scorer(self.folder(sha256), threads=threads, cache=cache)
        scorer.score([_FIRST_POST])
        return scorer

    def _checked(self, bundle: Bundle, sha256: str) -> Bundle:
        if bundle.sha256 != sha256:
            raise ModelError(
                f"{bundle.folder}: the manifest hashes to {bundle.sha256}",
                remedy="it was altered; add the version again",
            )
        return bundle

    def _is_whole(self, sha256: str) -> bool:
        try:
            self.read(sha256)
        except ModelError:
            return False
        return True

    def _copy(self, bundle: Bundle) -> None:
        target = self.folder(bundle.sha256)
        fresh = Path(tempfile.mkdtemp(prefix=_ADDING, dir=self._folder))
        try:
            for name in _names(bundle):
                _copy_file(bundle.folder / name, fresh / name)
            self._checked(read_bundle(fresh), bundle.sha256)
            fresh.chmod(0o755)
            if self.has(bundle.sha256) and not self._is_whole(bundle.sha256):
                shutil.rmtree(target)
            fresh.rename(target)
        except OSError:
            # another server that starts on the same folder may have been faster
            if not self._is_whole(bundle.sha256):
                raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _replace_gates(self, source: Path, sha256: str) -> None:
        target = self.folder(sha256) / GATES
        fresh = target.with_name(f"{_ADDING}{secrets.token_hex(8)}")
        _copy_file(source / GATES, fresh)
        fresh.replace(target)

    def _clear(self) -> None:
        for path in self._folder.glob(f"{_ADDING}*"):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def gates_of(bundle: Bundle) -> GateReport | None:
    """The gate report of a version, if it has one.

    Raises:
        ModelError: it cannot be read, or is of another model.
    """
    path = bundle.folder / GATES
    if not path.is_file():
        return None
    try:
        report = GateReport.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ModelError(f"{path}: {error}") from None
    if report.model.sha256 != bundle.sha256:
        raise ModelError(
            f"{path}: the gates were run on {report.model.sha256}, this bundle is {bundle.sha256}",
            remedy="run them on this bundle",
        )
    return report


def screening_of(bundle: Bundle) -> Screening | None:
    """What screening found of the label events that a version learned from, if it says.

    Raises:
        ModelError: it cannot be read.
    """
    path = bundle.folder / QUALITY
    if not path.is_file():
        return None
    try:
        return Screening.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ModelError(f"{path}: {error}") from None


def learned_of(bundle: Bundle) -> Iterator[Learned]:
    """The label events that a version learned from, in the file's order.

    Raises:
        ModelError: a line is none.
    """
    path = bundle.folder / LEARNED
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield Learned.model_validate_json(line)
            except ValidationError as error:
                raise ModelError(f"{path}:{number}: {error}") from None


def _names(bundle: Bundle) -> list[str]:
    """The files of a bundle; a name that leads out of its folder is refused."""
    named = bundle.manifest.files
    strange = [name for name in named if Path(name).name != name]
    if strange:
        raise ModelError(f"{bundle.folder / MANIFEST}: files {strange} are not plain names")
    beside = [name for name in _BESIDE if name not in named and (bundle.folder / name).is_file()]
    return [MANIFEST, *named, *beside]


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as there, target.open("wb") as here:
        shutil.copyfileobj(there, here, 1 << 20)
        here.flush()
        os.fsync(here.fileno())
