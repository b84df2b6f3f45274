"""A network teaches the voices of a corpus: what a camera would have seen of them, and nothing else."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'face-emote[train]'")

from tiny_corpus import make_corpus

from face_emote.core.errors import CorpusError
from face_emote_lab.train.config import read_config
from face_emote_lab.train.corpus.cache import read_corpus
from face_emote_lab.train.measure import whole_answers
from face_emote_lab.train.torch_net import TorchMotionNet
from tools.train_network.retaught import RETAUGHT, retaught


def test_voices_are_retaught_from_their_phones_and_faces_are_left(tmp_path):
    corpus = read_corpus(make_corpus(tmp_path / "corpus"))
    torch.manual_seed(0)
    net = TorchMotionNet(read_config("tiny").net).eval()
    retaught(corpus, net, out=tmp_path / "new")
    new = read_corpus(tmp_path / "new")
    others = [k for k in range(9) if k not in RETAUGHT]
    for i, clip in enumerate(corpus.clips):
        was, now = np.asarray(corpus.lips(i)), np.asarray(new.lips(i))
        assert np.array_equal(was[:, others], now[:, others])
        assert np.array_equal(corpus.mels(i), new.mels(i))
        if clip.kind == "voice":
            told, untold = (whole_answers(net, corpus, index=i, aligned=t)[:, RETAUGHT] for t in (True, False))
            told[:, 0], untold[:, 0] = np.maximum(told[:, 0], 0.0), np.maximum(untold[:, 0], 0.0)
            np.testing.assert_allclose(now[:, RETAUGHT], told, atol=1e-3)
            assert np.abs(told - untold).max() > 1e-3
        else:
            assert np.array_equal(was, now)
    with pytest.raises(CorpusError, match="already"):
        retaught(corpus, net, out=tmp_path / "new")
