"""The multi-task model: an encoder, and for each head a query that attends to the tokens."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name everyone knows it by
from transformers import PreTrainedModel

from classifiers.encoding import PostEncoder
from classifiers.rendering import MARKERS
from training.config import OptimizerConfig
from training.packing import pack, packed_states

_FAR_BELOW = -1e4


class MultiTask(nn.Module):
    """One logit a head and window; a post's is that of its worst window.

    Each head pools the tokens by attention of its own (Lin et al. 2017, one hop).

    Args:
        encoder: any Hugging Face encoder with ``last_hidden_state``.
        priors: shape (heads,), the log-odds each head starts from.
        dropout: of pooled states, in training.
        pair_weight: of the contrast pairs' loss beside the cross-entropy.
    """

    def __init__(
        self, encoder: PreTrainedModel, priors: Tensor, dropout: float, pair_weight: float
    ) -> None:
        super().__init__()
        self._pair_weight = pair_weight
        heads = len(priors)
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.queries = nn.Linear(width, heads, bias=False)
        self.weights = nn.Parameter(torch.empty(heads, width))
        self.bias = nn.Parameter(priors.clone())
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.queries.weight, std=0.02)
        nn.init.normal_(self.weights, std=0.02)
        self._packed = False

    def pack(self) -> None:
        """Compute no padding from now on, if the encoder is of a kind that lets it be left out."""
        self._packed = pack(self.encoder)

    def window_logits(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Shape (windows, heads) from ids and mask of shape (windows, tokens)."""
        hidden = self._states(input_ids, attention_mask).float()
        return self.pooled(hidden, (1 - attention_mask[:, :, None].float()) * _FAR_BELOW)

    def pooled(self, hidden: Tensor, unread: Tensor | None = None) -> Tensor:
        """Shape (windows, heads) from states of shape (windows, tokens, width).

        Args:
            hidden: the encoder's last.
            unread: shape (windows, tokens, 1), far below zero where none stands; None if all do.
        """
        scores: Tensor = self.queries(hidden)
        attention = (scores if unread is None else scores + unread).softmax(dim=1)
        pooled = self.dropout(attention.transpose(1, 2) @ hidden)
        logits: Tensor = (pooled * self.weights).sum(dim=-1) + self.bias
        return logits

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        post: Tensor,
        labels: Tensor | None = None,
        weight: Tensor | None = None,
        pairs: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Logits of shape (posts, heads), and the loss where labels are given.

        Args:
            input_ids: shape (windows, tokens).
            attention_mask: same shape, 1 where a token stands.
            post: shape (windows,), the place of each window's post.
            labels: shape (posts, heads); NaN where the data set does not say.
            weight: shape (posts,) of each post in the loss.
            pairs: rows ``(violating, clean, head)``: the first should score higher.
        """
        by_window = self.window_logits(input_ids, attention_mask)
        place = post[:, None].expand_as(by_window)
        rows = int(post.max()) + 1
        empty = by_window.new_zeros(rows, by_window.shape[1])
        logits = empty.scatter_reduce(0, place, by_window, "amax", include_self=False)
        if labels is None or weight is None or pairs is None:
            return {"logits": logits}
        pair = pair_loss(logits, pairs) / rows
        loss = masked_loss(logits, labels, weight) + self._pair_weight * pair
        return {"loss": loss, "logits": logits}

    def _states(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        if self._packed:
            return packed_states(self.encoder, input_ids, attention_mask)
        found = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        states: Tensor = found.last_hidden_state
        return states


def priors(labels: Tensor) -> Tensor:
    """Log-odds of each head among its known labels of shape (posts, heads), kept off infinity."""
    known = (~labels.isnan()).sum(dim=0)
    return torch.logit((labels.nan_to_num().sum(dim=0) + 1) / (known + 2))


def masked_loss(logits: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy summed over known heads, averaged over posts by weight."""
    known = ~labels.isnan()
    each = F.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), reduction="none")
    return ((each * known).sum(dim=1) * weight).sum() / weight.sum()


def pair_loss(logits: Tensor, pairs: Tensor) -> Tensor:
    """How far the violating side of contrast pairs fails to score higher (RankNet, summed)."""
    violating, clean, head = pairs.unbind(dim=1)
    return F.softplus(logits[clean, head] - logits[violating, head]).sum()


def add_markers(encoder: Any, posts: PostEncoder) -> None:
    """Give each marker an embedding: the mean of those of its Chinese words."""
    described = [posts.tokens(words) for words in MARKERS.values()]
    table: Tensor = encoder.get_input_embeddings().weight.detach()
    means = torch.stack([table[ids].mean(dim=0) for ids in described])
    encoder.resize_token_embeddings(posts.vocabulary_size, mean_resizing=False)
    table = encoder.get_input_embeddings().weight.detach()
    table[-len(MARKERS) :] = means


def learning_groups(model: MultiTask, config: OptimizerConfig) -> list[dict[str, Any]]:
    """Parameters with layer-wise learning rates, lower towards the input (Howard and Ruder 2018).

    Args:
        model: its encoder numbers layers as ``layer.<n>.``.
        config: the last layer's rate, the factor from each layer to the one below, the heads'
            factor, and the weight decay of matrices; vectors have none.
    """
    depth = int(model.encoder.config.num_hidden_layers)
    groups = []
    for name, parameter in model.named_parameters():
        inside = name.startswith("encoder.")
        factor = config.layer_decay ** _below(name, depth) if inside else config.head_factor
        decay = config.weight_decay if parameter.ndim > 1 else 0.0
        rate = config.learning_rate * factor
        groups.append({"params": [parameter], "lr": rate, "weight_decay": decay})
    return groups


def _below(name: str, depth: int) -> int:
    """How many layers stand above a parameter of the encoder."""
    _, found, rest = name.partition("layer.")
    return depth - 1 - int(rest.split(".")[0]) if found else depth


def collate(
    windows: Sequence[Sequence[Sequence[int]]], padding: int, multiple: int
) -> dict[str, Tensor]:
    """``input_ids``, ``attention_mask`` and ``post`` of posts given as windows of ids.

    Padded to a multiple, so that the kernels see few shapes.
    """
    flat = [ids for post in windows for ids in post]
    longest = max(len(ids) for ids in flat)
    shape = (len(flat), -(-longest // multiple) * multiple)
    input_ids = torch.full(shape, padding, dtype=torch.long)
    mask = torch.zeros(shape, dtype=torch.long)
    for row, ids in enumerate(flat):
        input_ids[row, : len(ids)] = torch.tensor(ids)
        mask[row, : len(ids)] = 1
    post = torch.tensor([place for place, post in enumerate(windows) for _ in post])
    return {"input_ids": input_ids, "attention_mask": mask, "post": post}
