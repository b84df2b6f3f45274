"""The encoder: tokens of voice, words and face become states and one embedding, with numpy alone."""

import tracemalloc
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import face_emote as fe
from face_emote.core.assets import ASSETS
from face_emote.core.errors import CheckpointError
from face_emote.core.names import NUM_CEPSTRA
from face_emote.core.types import Prosody
from face_emote.network.safetensors_file import read_tensors
from face_emote.perception.encoder import (
    ENCODER,
    NUM_PARTS,
    Encoder,
    EncoderSpec,
    load_encoder,
    weight_shapes,
)
from face_emote.perception.encoder_inputs import (
    KINDS,
    WIDTHS,
    EncoderInputs,
    Track,
    encoder_inputs,
    no_tokens,
    voice_tokens,
)
from face_emote.verbs.perceive import perceived, write_perceived
from face_emote_lab.train.checkpoint_file import write_tensors
from tools.build_extension import is_left_out
from tools.train_encoder.encoder_file import write_encoder

SMALL = EncoderSpec(width=16, layers=2, heads=2, hidden=24, chunk=16)
LINE = ASSETS / "speech" / "dashwood_1.wav"
EVERY_FRAMES = (1, 5, 4, 7, 1)
"""Between two tokens of a kind."""


def small_encoder(spec: EncoderSpec = SMALL) -> Encoder:
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0.0, 0.2, shape).astype(np.float32) for name, shape in weight_shapes(spec).items()}
    scales = {name: np.abs(array) + 0.5 for name, array in weights.items() if name.endswith("scale")}
    return Encoder(spec, weights | scales)


def sensed(frames: int, kinds: tuple[int, ...] = (0, 1, 2, 3, 4)) -> EncoderInputs:
    rng = np.random.default_rng(1)
    tracks = []
    for kind, every in enumerate(EVERY_FRAMES):
        place = np.arange(0, frames, every, dtype=np.float32)
        rows = rng.normal(size=(len(place), WIDTHS[kind])).astype(np.float16)
        tracks.append(Track(rows, place) if kind in kinds else no_tokens(kind))
    return EncoderInputs(tuple(tracks), frames)


def test_a_missing_sense_leaves_its_part_empty_and_changes_the_whole():
    encoder = small_encoder()
    senses = {"voice": (0, 1), "words": (2, 3), "face": (4,)}
    seen = {
        names: encoder(sensed(40, sum((senses[n] for n in names), ()))).embedding.reshape(NUM_PARTS, -1)
        for count in (1, 2, 3) for names in combinations(senses, count)
    }  # fmt: skip
    own = {"voice": slice(0, 3), "words": slice(3, 5), "face": slice(5, 7)}
    for names, parts in seen.items():
        assert np.isfinite(parts).all() and parts[-1].any()
        for name, part in own.items():
            assert parts[part].any() == (name in names)
    for (a, first), (b, second) in combinations(seen.items(), 2):
        assert np.abs(first[-1] - second[-1]).max() > 1e-3, (a, b)


def test_nothing_sensed_is_no_error():
    nothing = EncoderInputs(tuple(no_tokens(kind) for kind in range(len(KINDS))), 3)
    found = small_encoder()(nothing)
    assert not found.embedding.any() and found.states.shape == (3, SMALL.width)


def test_the_same_line_gives_the_same_bytes_and_chunks_do_not_see_each_other():
    encoder, line = small_encoder(), sensed(80)
    first, again = encoder(line), encoder(line)
    assert first.embedding.tobytes() == again.embedding.tobytes() and first.states.tobytes() == again.states.tobytes()
    start = encoder(EncoderInputs(tuple(track.part(0, 32) for track in line.tracks), 32))
    assert np.array_equal(start.states, first.states[:32])


def test_an_hour_needs_the_memory_of_its_states():
    encoder, inputs = small_encoder(replace(SMALL, layers=1, chunk=128)), sensed(45_000)
    tracemalloc.start()
    states = encoder(inputs).states.nbytes
    beside = tracemalloc.get_traced_memory()[1] - states
    tracemalloc.stop()
    assert beside < 5_000_000


def test_an_hour_of_voice_is_cut_in_blocks():
    count = 360_000
    rng = np.random.default_rng(0)
    speaking = np.zeros(count, np.float32)
    speaking[:3000] = 1.0
    noise = rng.random(count, np.float32)
    voice = Prosody(
        loudness_db=-30.0 - noise, f0_hz=np.where(speaking > 0.0, 100.0 + 20.0 * noise, np.nan), voiced=noise,
        speaking=speaking, tremor=noise, timbre=rng.random((count, NUM_CEPSTRA), np.float32).astype(np.float16),
    )  # fmt: skip
    tracemalloc.start()
    tracks = voice_tokens(voice)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(tracks[0].place) == 45_000 and peak - kept < 20_000_000
    assert len(tracks[1].place) and tracks[1].place[-1] < 12.5 * 32.0


def test_more_tokens_than_a_chunk_takes_are_left_out():
    line = sensed(16)
    crowd = Track(np.ones((3000, WIDTHS[2]), np.float16), np.linspace(0.0, 15.9, 3000, dtype=np.float32))
    found = small_encoder()(replace(line, tracks=(*line.tracks[:2], crowd, *line.tracks[3:])))
    assert np.isfinite(found.embedding).all()


@pytest.mark.parametrize("change", ["shape", "missing", "nan", "spec", "endless", "format"])
def test_a_file_that_is_no_encoder_is_named(tmp_path, change):
    path = tmp_path / "encoder.safetensors"
    write_encoder(small_encoder(), path, card="small")
    assert load_encoder(path).spec == SMALL
    tensors, metadata = read_tensors(path)
    if change == "shape":
        tensors["0.wide.kernel"] = tensors["0.wide.kernel"][:, :-1]
    elif change == "missing":
        del tensors["time"]
    elif change == "nan":
        tensors["whole"] = np.full_like(tensors["whole"], np.nan)
    elif change == "spec":
        metadata["spec"] = metadata["spec"].replace("16", "-16")
    elif change == "endless":
        metadata["spec"] = metadata["spec"].replace("16", "1e999")
    else:
        metadata["format"] = "face_emote.tokens/1"
    damaged = tmp_path / "damaged.safetensors"
    write_tensors(damaged, tensors, metadata={k: v for k, v in metadata.items() if k != "sha256"})
    with pytest.raises(CheckpointError, match=r"damaged\.safetensors$"):
        load_encoder(damaged)


def test_float16_weights_give_nearly_the_same_embedding(tmp_path):
    encoder, line = small_encoder(), sensed(40)
    write_encoder(encoder, tmp_path / "encoder.safetensors", card="small")
    apart = load_encoder(tmp_path / "encoder.safetensors")(line).embedding - encoder(line).embedding
    assert np.abs(apart).max() < 0.02


def test_a_reading_has_an_embedding_of_1024():
    found = fe.perceive(LINE, text=LINE.with_suffix(".txt"))
    assert found.embedding is not None and found.embedding.shape == (1024,) and np.isfinite(found.embedding).all()
    voice_only = fe.perceive(LINE).embedding
    assert voice_only is not None and np.abs(voice_only - found.embedding).max() > 0.1


def test_lines_that_feel_alike_lie_near_each_other():
    lines = (
        "I am so happy for you, this is wonderful!",
        "What a beautiful day, I love it!",
        "I miss her, I cried all night.",
    )
    glad, merry, sad = (fe.perceive(text=line).embedding for line in lines)

    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    assert cosine(glad, merry) > cosine(glad, sad) + 0.1 and cosine(glad, merry) > cosine(merry, sad) + 0.1


def test_the_npz_holds_embedding_and_frames(tmp_path):
    found = perceived(LINE, text=LINE.with_suffix(".txt"), encoded=True)
    write_perceived(found, tmp_path / "feelings.npz")
    with np.load(tmp_path / "feelings.npz") as file:
        assert np.array_equal(file["embedding"], found.reading.embedding)
        assert file["mix"].shape == (len(found.reading.frames.mix), 8) and file["states"].shape[1] == 128
        assert float(file["fps"]) == 12.5 and str(file["emotion"]) == found.plan().text


def test_words_nobody_speaks_go_on_one_after_the_other():
    inputs = encoder_inputs(None, text="I'm not happy. Ich freue mich so sehr!")
    english, other = inputs.tracks[2], inputs.tracks[3]
    assert len(english.place) >= 4 and len(other.place) >= 5
    places = np.concatenate([english.place, other.place])
    assert (np.diff(places) > 0.0).all() and inputs.num_frames > places[-1]


def test_an_installation_without_the_encoder_reads_all_the_same(tmp_path, monkeypatch):
    assert is_left_out(ENCODER)  # of Blender's engine
    monkeypatch.setattr("face_emote.verbs.perceive.ENCODER", tmp_path / "none.safetensors")
    assert fe.perceive(text="I love it!").embedding is None
