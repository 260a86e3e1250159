"""A trained model made smaller: narrower layers, taught by the model itself beside the labels."""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from classifiers.bundle import Bundle
from training.champion import champion_weights, widths
from training.config import TransformerConfig
from training.finetune import Beginning, new_model, token_windows
from training.lessons import Lessons, spread
from training.narrow import narrow

#: posts that tell which heads and neurons act together
_POSTS = 500


def compressing(
    champion: Bundle,
    heads: Sequence[str],
    lessons: Lessons,
    encoder_name: str,
    config: TransformerConfig,
) -> Beginning:
    """What training begins from, and the champion as it is, to teach.

    Args:
        champion: of the heads.
        heads: of the lessons' labels, in order.
        lessons: at least one row.
        encoder_name: folder or hub name of the encoder that the champion was made with.
        config: recipe; its encoder says how many heads and neurons are left in each layer.

    Raises:
        ModelError: the champion has other heads or another encoder, or cannot be made narrower.
    """
    whole = config.encoder.model_copy(update=widths(champion))
    wide = config.model_copy(update={"encoder": whole})
    teacher, posts, _ = new_model(encoder_name, lessons.labels, wide)
    shapes = {name: value.shape for name, value in teacher.state_dict().items()}
    teacher.load_state_dict(champion_weights(champion, heads, shapes))
    teacher.eval()
    windows = [ids for post in spread(lessons.posts, _POSTS) for ids in token_windows(posts, post)]

    def narrowed(_: Mapping[str, torch.Size]) -> Mapping[str, Tensor]:
        student = copy.deepcopy(teacher)
        if config.encoder.narrower:
            narrow(student, windows, config.encoder)
        return student.state_dict()

    return Beginning(narrowed, teacher)
