"""Voices without a face, taught by a network that learnt from faces and is given the phones.

    python -m tools.train_network.retaught CORPUS NET.safetensors -o CORPUS2

Told what is said, a network that has seen one person's face knows the lips of other voices better than the rules do
(the gap of 11 talkers that it never met agrees with its own at r .78, with the rules' at .71). So it is the better
teacher of networks that have to hear for themselves what is said. What no tracker sees stays the rules'. Whoever is
held out of what comes next must have been held out of NET.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
import torch

from face_emote.core.errors import CorpusError
from face_emote.network.checkpoint import read_checkpoint
from face_emote.network.config import LIP_CHANNELS
from face_emote_lab.train.corpus.build import write_manifest
from face_emote_lab.train.corpus.cache import Corpus, read_corpus
from face_emote_lab.train.measure import whole_answers
from face_emote_lab.train.torch_net import TorchMotionNet

RETAUGHT = [LIP_CHANNELS.index(name) for name in ("gap", "width", "jaw")]
"""What a camera sees, and so what the network learnt from people."""
FACELESS = ("voice", "tts")


def retaught(corpus: Corpus, net: TorchMotionNet, *, out: Path) -> None:
    """Write the corpus with other lips for its voices.

    Raises:
        CorpusError: something is at `out` already.
    """
    if out.exists():
        raise CorpusError(f"Something is there already; choose another folder: {out}")
    shutil.copytree(corpus.folder, out)
    for source, arrays in corpus.arrays.items():
        lips = np.array(arrays.lips)
        own = [i for i, clip in enumerate(corpus.clips) if clip.source == source and clip.kind in FACELESS]
        for i in own:
            clip = corpus.clips[i]
            seen = whole_answers(net, corpus, index=i, aligned=True)[:, RETAUGHT]
            seen[:, 0] = np.maximum(seen[:, 0], 0.0)
            lips[clip.first : clip.first + clip.num_frames, RETAUGHT] = seen
        if own:
            np.save(out / source / "lips.npy", lips)
    write_manifest(out)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Let a network teach the voices of a corpus.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("net", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    found = read_checkpoint(options.net)
    net = TorchMotionNet(found.config)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in found.weights.items()})
    torch.set_num_threads(1)
    retaught(read_corpus(options.corpus), net.eval(), out=options.out)


if __name__ == "__main__":
    main()
