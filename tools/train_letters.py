"""Teach how English is pronounced: `python -m tools.train_letters DICTIONARY DATA -o letters.npz`.

DICTIONARY is CMUdict (BSD), as the wheel of pocketsphinx holds it; DATA the folder of texts that says how frequent a
word is. First each word's letters are laid along its phones (expectation maximisation, as for joint n-grams), so that
every letter has none, one or two phones; then a small net learns to say them from the letters around and the phones
before. Frequent words that it gets wrong are kept word for word.
"""

import argparse
import gzip
import json
import re
import zlib
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from face_emote.audio.pronunciation import AFTER, BEFORE, LETTERS, PAST, PhoneSpeller, packed
from face_emote.core.arrays import Array, Int

MOST_PHONES = 2
RAREST = 40
"""A chunk of phones that fewer letters have is none; words with one are left out."""
EMBEDDING, HIDDEN, LAST = 12, 192, 96
BATCH, EPOCHS, RATE = 4096, 14, 4e-3
EXCEPTIONS = 3500
"""Words kept whole; a kilobyte holds about 120."""

Pair = tuple[str, tuple[str, ...]]
Table = dict[tuple[str, str], float]


def main() -> None:
    """Train, measure on words that were kept back, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dictionary", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    pairs = read_dictionary(options.dictionary)
    counts = frequencies(options.data)
    table = laid_along(pairs)
    lessons = [(word, own) for word, phones in pairs if (own := best_chunks(word, phones, table=table))]
    chunks = sorted({chunk for _, own in lessons for chunk in own}, key=lambda chunk: (chunk.count(" "), chunk))
    print(f"{len(pairs)} words, {len(lessons)} laid along their phones, {len(chunks)} chunks")
    taught = [lesson for lesson in lessons if not is_kept_back(lesson[0])]
    net = train(taught, chunks, epochs=options.epochs)
    speller = PhoneSpeller(net, chunks=tuple(chunks), known={})
    asked: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for word, phones in pairs:
        asked[word].add(phones)
    measure(speller, {word: own for word, own in asked.items() if is_kept_back(word)}, name="kept back")
    first = {word: phones for word, phones in reversed(pairs)}
    frequent = [word for word, _ in counts.most_common(30_000) if word in asked]
    wrong = [word for word in frequent if speller.spelt(word)[0] not in asked[word]]
    known = {word: first[word] for word in wrong[:EXCEPTIONS]}
    options.out.write_bytes(packed(PhoneSpeller(net, chunks=tuple(chunks), known=known)))
    running = sum(counts[word] for word in frequent)
    by_net, by_both = (1.0 - sum(counts[word] for word in some) / running for some in (wrong, wrong[EXCEPTIONS:]))
    size = options.out.stat().st_size
    print(f"running words right: {by_net:.4f}, with {len(known)} exceptions {by_both:.4f}; {size} bytes")


def read_dictionary(path: Path) -> list[Pair]:
    """Words and their phones, a row for each of several pronunciations; initials and figures are left out."""
    pairs = []
    for line in path.read_text("utf-8").splitlines():
        word, *phones = line.split()
        word = re.sub(r"\(\d+\)$", "", word)
        if re.fullmatch(r"[a-z][a-z']*", word) and phones:
            pairs.append((word, tuple(phones)))
    return pairs


def frequencies(data: Path) -> Counter[str]:
    """How often each word stands in the transcripts and comments at hand."""
    counts: Counter[str] = Counter()
    for name in ("goemotions_train.tsv.gz", "emobank_vad.tsv.gz"):
        for path in (data / "text_emotion").rglob(name):
            with gzip.open(path, "rt", encoding="utf-8") as file:
                counts.update(word.strip("'") for line in file for word in re.findall(r"[a-z']+", line.lower()))
    spoken = json.loads((data / "librispeech" / "transcripts.json").read_text("utf-8"))
    counts.update(word for line in spoken.values() for word in re.findall(r"[a-z']+", str(line).lower()))
    return counts


def is_kept_back(word: str) -> bool:
    """One word in twenty only measures."""
    return zlib.crc32(word.encode()) % 20 == 0


def laid_along(pairs: list[Pair], *, rounds: int = 4, every: int = 6) -> Table:
    """Probability of each chunk of phones given its letter, by expectation maximisation over a part of the words."""
    table: Table = defaultdict(lambda: 1.0)
    some = pairs[::every]
    for _ in range(rounds):
        expected: dict[tuple[str, str], float] = defaultdict(float)
        for word, phones in some:
            _expect(word, phones, table=table, expected=expected)
        total: dict[str, float] = defaultdict(float)
        for (letter, _chunk), count in expected.items():
            total[letter] += count
        table = {key: count / total[key[0]] for key, count in expected.items() if count > 0.5}
    return table


def _expect(word: str, phones: tuple[str, ...], *, table: Table, expected: dict[tuple[str, str], float]) -> None:
    rows, columns = len(word) + 1, len(phones) + 1
    ahead, back = np.zeros((rows, columns)), np.zeros((rows, columns))
    ahead[0, 0] = back[-1, -1] = 1.0
    keys = [
        (i, k, n, (word[i], " ".join(phones[k : k + n])))
        for i in range(rows - 1)
        for k in range(columns)
        for n in range(MOST_PHONES + 1)
        if k + n < columns
    ]
    chance = [table[key] if isinstance(table, defaultdict) else table.get(key, 0.0) for *_, key in keys]
    for (i, k, n, _), p in zip(keys, chance, strict=True):
        ahead[i + 1, k + n] += ahead[i, k] * p
    for (i, k, n, _), p in zip(reversed(keys), reversed(chance), strict=True):
        back[i, k] += back[i + 1, k + n] * p
    if ahead[-1, -1] > 0.0:
        for (i, k, n, key), p in zip(keys, chance, strict=True):
            expected[key] += ahead[i, k] * p * back[i + 1, k + n] / ahead[-1, -1]


def best_chunks(word: str, phones: tuple[str, ...], *, table: Table) -> tuple[str, ...]:
    """The phones of each letter; empty when they cannot be laid along."""
    best: list[dict[int, tuple[float, tuple[str, ...]]]] = [{0: (0.0, ())}]
    for letter in word:
        row: dict[int, tuple[float, tuple[str, ...]]] = {}
        for k, (score, before) in best[-1].items():
            for n in range(min(MOST_PHONES, len(phones) - k) + 1):
                chunk = " ".join(phones[k : k + n])
                chance = table.get((letter, chunk), 0.0)
                if chance > 1e-5 and (k + n not in row or score + np.log(chance) > row[k + n][0]):
                    row[k + n] = (score + float(np.log(chance)), (*before, chunk))
        best.append(row)
    return best[-1].get(len(phones), (0.0, ()))[1]


def rows_of(lessons: list[tuple[str, tuple[str, ...]]], chunks: list[str]) -> tuple[Int[Array, "row seen"], Array]:
    """What is seen at each letter, and its chunk."""
    number = {chunk: i for i, chunk in enumerate(chunks)}
    seen, answers = [], []
    for word, own in lessons:
        letters = [len(LETTERS)] * BEFORE + [LETTERS.index(c) for c in word] + [len(LETTERS)] * AFTER
        said = [len(chunks)] * PAST + [number[chunk] for chunk in own]
        for i in range(len(word)):
            seen.append(letters[i : i + BEFORE + 1 + AFTER] + said[i : i + PAST])
            answers.append(said[i + PAST])
    return np.array(seen), np.array(answers)


class SpellingNet(nn.Module):
    """Letters around and chunks before -> the chunk of a letter; `spelling.PhoneSpeller` runs it with numpy."""

    def __init__(self, num_chunks: int) -> None:
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS) + 1, EMBEDDING)
        self.said = nn.Embedding(num_chunks + 1, EMBEDDING)
        self.first = nn.Linear((BEFORE + 1 + AFTER + PAST) * EMBEDDING, HIDDEN)
        self.second = nn.Linear(HIDDEN, LAST)
        self.head = nn.Linear(LAST, num_chunks)

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """Logits of the chunks."""
        letters, said = seen[:, : BEFORE + 1 + AFTER], seen[:, BEFORE + 1 + AFTER :]
        x = torch.cat([self.letters(letters).flatten(1), self.said(said).flatten(1)], dim=1)
        logits: torch.Tensor = self.head(torch.relu(self.second(torch.relu(self.first(x)))))
        return logits


def train(lessons: list[tuple[str, tuple[str, ...]]], chunks: list[str], *, epochs: int) -> tuple[Array, ...]:
    """The weights, in the order of `PhoneSpeller`'s fields."""
    seen, answers = (torch.from_numpy(rows) for rows in rows_of(lessons, chunks))
    net = SpellingNet(len(chunks))
    steps = epochs * (len(seen) // BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=RATE, total_steps=steps, pct_start=0.1)
    generator = np.random.default_rng(0)
    total = 0.0
    for step in range(steps):
        rows = torch.from_numpy(generator.integers(len(seen), size=BATCH))
        loss = nn.functional.cross_entropy(net(seen[rows]), answers[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        total += loss.item()
        if step % 250 == 249:
            print(f"{step + 1} of {steps}: {total / 250.0:.4f}", flush=True)
            total = 0.0
    layers = (net.letters.weight, net.said.weight, *(getattr(layer, name) for layer in (net.first, net.second, net.head)
              for name in ("weight", "bias")))  # fmt: skip
    return tuple(value.detach().numpy().T if value.ndim == 2 and i > 1 else value.detach().numpy()
                 for i, value in enumerate(layers))  # fmt: skip


def measure(speller: PhoneSpeller, asked: dict[str, set[tuple[str, ...]]], *, name: str) -> None:
    """Words right at the first and within the first four guesses."""
    some = list(asked)[::4]
    guesses = [speller.spelt(word) for word in some]
    first = np.mean([found[0] in asked[word] for word, found in zip(some, guesses, strict=True)])
    any_ = np.mean([bool(asked[word] & set(found)) for word, found in zip(some, guesses, strict=True)])
    print(f"{name}: {len(some)} words, right {first:.3f}, among four guesses {any_:.3f}")


if __name__ == "__main__":
    main()
