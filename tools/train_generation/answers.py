"""How what is drawn answers to the style that is asked for: measured, and written into the checkpoint."""

from pathlib import Path

import numpy as np

from face_emote.generation.drawing import drawn_life
from face_emote.generation.layout import STYLE, VOICE_SLICE, WINDOW
from face_emote.generation.net import load_draw_net
from face_emote.generation.seen import style_of
from face_emote.network.safetensors_file import read_tensors
from face_emote_lab.train.checkpoint_file import write_tensors
from tools.train_generation.corpus import TakeCorpus

TAKES, CLIPS = 80, 4
"""Takes that are looked at, and windows of voices in each."""
_GAINS = (0.5, 1.5)


def write_answers(path: Path, corpus: TakeCorpus, *, held_out: frozenset[str]) -> None:
    """Measure a network that was just written, on voices that it learnt from."""
    net, dice = load_draw_net.__wrapped__(path), np.random.default_rng(0)
    voices = corpus.values[corpus.known[:, 0] & ~np.isin(corpus.talker, list(held_out))][:, :, VOICE_SLICE]
    asked, found = np.zeros((TAKES, len(STYLE))), np.zeros((TAKES, len(STYLE)))
    for k in range(TAKES):
        asked[k] = net.manners[dice.integers(len(net.manners))] + net.restless @ dice.standard_normal(len(STYLE))
        voice = np.concatenate(voices[dice.integers(len(voices), size=CLIPS)])
        face = drawn_life(net, voice, seed=k, style=asked[k]).face.astype(np.float64)
        found[k] = np.mean([style_of(face[i * WINDOW : (i + 1) * WINDOW]) for i in range(CLIPS)], axis=0)
    middle, apart = found.mean(axis=0), asked - asked.mean(axis=0)
    gain = np.clip((apart * found).sum(axis=0) / (apart**2).sum(axis=0), *_GAINS)
    tensors, metadata = read_tensors(path)
    answers = {"answer_gain": gain, "answer_offset": middle - gain * asked.mean(axis=0)}
    kept = {name: metadata[name] for name in ("format", "config", "card", "controls")}
    write_tensors(path, tensors | {name: value.astype(np.float32) for name, value in answers.items()}, metadata=kept)
