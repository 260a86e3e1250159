"""The linear baseline: one logistic regression a head over hashed character n-grams."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from classifiers.ngram import GROUPS, Bag, Keys, face_bag, facts_bag, look_up, text_bag
from labels.records import LabelledPost, Post
from labels.taxonomy import taxonomy
from training.config import NgramConfig

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Keys of one group of features (sorted) and their inverse document frequencies."""

    keys: Keys
    idf: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Weights (features, heads) over the concatenated, scaled groups, and one bias a head."""

    vocabularies: dict[str, Vocabulary]
    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


def targets(posts: Sequence[LabelledPost], heads: Sequence[str] | None = None) -> Bools:
    """Shape (posts, heads): which categories, clauses, protections hold; default all heads."""
    heads = taxonomy().heads if heads is None else heads
    held = [{*post.labels, *post.clauses, *post.protected} for post in posts]
    return np.array([[head in marks for head in heads] for marks in held], dtype=bool)


def stripped(post: Post) -> Post:
    """The post without author and declarations: what the caller did not send."""
    return post.model_copy(update={"author": None, "declared": None})


def features(posts: Sequence[Post]) -> dict[str, list[Bag]]:
    """One bag a post and group; the whole text is one window."""
    return {
        "text": [text_bag(post.title or "", post.text or "") for post in posts],
        "face": [face_bag(post) for post in posts],
        "facts": [facts_bag(post) for post in posts],
    }


def fit(
    posts: Sequence[Post],
    labels: Floats,
    config: NgramConfig,
    *,
    jobs: int,
    trust: Floats | None = None,
) -> LinearModel:
    """Learn each head from whole posts and, at less weight, stripped ones and public rows.

    Args:
        posts: as they came; a public row is no ``LabelledPost``.
        labels: shape (posts, heads), 1 or 0, NaN where unknown; each head needs one of both.
        config: vocabulary, scales and regularisation.
        jobs: heads learned at the same time.
        trust: shape (posts,), how much each post's labels count; None where all count fully.
    """
    dressed = [place for place, post in enumerate(posts) if post.author or post.declared]
    shown = features([*posts, *(stripped(posts[place]) for place in dressed)])
    ours = np.array([isinstance(post, LabelledPost) for post in posts] + [True] * len(dressed))
    vocabularies = {group: vocabulary(shown[group], ours, config) for group in GROUPS}
    matrix = design(shown, vocabularies, config)
    marks = np.vstack([labels, labels[dressed]])
    weight = np.where(ours, 1.0, config.public_weight)
    weight[len(posts) :] = config.stripped_weight
    if trust is not None:
        weight *= np.append(trust, trust[dressed])
    columns = Parallel(n_jobs=jobs)(
        delayed(_fit_head)(matrix, marks[:, head], weight, config)
        for head in tqdm(range(marks.shape[1]), desc="heads", disable=None)
    )
    weights = np.stack([w for w, _ in columns], axis=1).astype(np.float32)
    return LinearModel(vocabularies, weights, np.array([b for _, b in columns], np.float32))


def logits(model: LinearModel, posts: Sequence[Post], config: NgramConfig) -> Floats:
    """Shape (posts, heads): log-odds before calibration."""
    matrix = design(features(posts), model.vocabularies, config)
    return np.asarray(matrix @ model.weights + model.bias, dtype=np.float64)


def design(
    bags: dict[str, list[Bag]], vocabularies: dict[str, Vocabulary], config: NgramConfig
) -> sp.csr_matrix:
    """Rows of features; within a group TF-IDF of unit length (Salton and Buckley 1988), scaled."""
    scales = config.scale.model_dump()
    blocks = [_block(bags[group], vocabularies[group]) * scales[group] for group in GROUPS]
    return sp.hstack(blocks).tocsr()


def vocabulary(bags: Sequence[Bag], ours: Bools, config: NgramConfig) -> Vocabulary:
    """Features of enough posts of the corpus, or of enough public rows."""
    keys, place = np.unique(np.concatenate([bag.keys for bag in bags]), return_inverse=True)
    of_ours = np.repeat(ours, [len(bag.keys) for bag in bags])
    posts = np.bincount(place, minlength=len(keys))
    posts_of_ours = np.bincount(place[of_ours], minlength=len(keys))
    public = posts - posts_of_ours
    kept = (posts_of_ours >= config.min_posts) | (public >= config.public_min_posts)
    idf = np.log((1 + len(bags)) / (1 + posts[kept])) + 1
    return Vocabulary(keys[kept], idf.astype(np.float32))


def _block(bags: Sequence[Bag], vocabulary: Vocabulary) -> sp.csr_matrix:
    starts, columns, values = [0], [], []
    for bag in bags:
        places, counts = look_up(bag, vocabulary.keys)
        tfidf = (1 + np.log(counts)) * vocabulary.idf[places]
        columns.append(places)
        values.append(tfidf / max(float(np.linalg.norm(tfidf)), 1e-9))
        starts.append(starts[-1] + len(tfidf))
    shape = (len(bags), len(vocabulary.keys))
    return sp.csr_matrix((np.concatenate(values), np.concatenate(columns), starts), shape=shape)


def _fit_head(
    matrix: sp.csr_matrix, marks: Floats, weight: Floats, config: NgramConfig
) -> tuple[Floats, float]:
    known = ~np.isnan(marks)
    regression = LogisticRegression(
        C=config.inverse_regularisation, solver="liblinear", tol=1e-3, random_state=config.seed
    )
    regression.fit(matrix[known], marks[known], sample_weight=weight[known])
    return regression.coef_[0], float(regression.intercept_[0])
