"""Whose face it is, and what has learnt: heads, rigs, networks, training, the extension's files."""

import importlib
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import face_emote as fe
from face_emote.core.names import CONTROLS, NUM_EXPRESSION
from face_emote.emotion.grammar import describe
from face_emote.face.bundled import BUNDLED_HEAD
from face_emote.face.flame_file import read_flame
from face_emote.face.head_file import write_head
from face_emote.motion.live import LivePerformer
from face_emote.network.runtime import load_motion_net
from face_emote.rigs import expression_map
from face_emote.rigs.registration.target_model import is_smplx, read_smplx
from face_emote.rigs.rig_file import load_rig
from tools.fuzz import stock
from tools.fuzz.formats import NPZ, PICKLE, TENSORS
from tools.fuzz.reader import Reader, Seed
from tools.fuzz.texts import JSON, JSON_LINES, TEXT
from tools.train_judges.experts import load_classifier, load_sync

ROOT = Path(__file__).parent.parent.parent
RIG = """
title = "Heroine"
limits = [0.0, 1.0]
[sums]
Smile_L = { mouthSmileLeft = 1.0, cheekSquintLeft = 0.2 }
Brow_Up = { browInnerUp = 0.8, limits = [0.0, 0.8] }
[shapes]
AA = { jawOpen = 0.65, mouthLowerDownLeft = 0.2, mouthLowerDownRight = 0.2 }
[absorbed]
smile = { mouthSmileLeft = 1.0, mouthSmileRight = 1.0 }
"""
LABELS = "signal x\nnfields 1\n#\n 0.10 121 .\n 0.20 121 a:\n 0.30 121 -\n"


def head(path: Path) -> None:
    """A head of ours, of FLAME, or of SMPL-X."""
    if is_smplx(path):
        read_smplx(path)
    else:
        read_flame(path).with_identity(np.zeros(300, np.float32))


def kept_map(path: Path) -> None:
    """A map that was kept; whatever is wrong with it, it is solved anew."""
    expression_map._read(path)


def rig(path: Path) -> None:
    """Write curves with it."""
    loaded = load_rig(path)
    out = path.with_name(f"curves{'.tsv' if loaded.cues else '.csv'}")
    fe.export(fe.read_motion(path.with_name("line.npz")).part(0, 3), out, rig=loaded)
    out.unlink()


def network(path: Path) -> None:
    """Perform a few samples with it."""
    performer = LivePerformer(fe.load_head(), describe("joy"), net=load_motion_net(path))
    performer.feed(np.zeros(4000, np.float32))
    performer.finish()


def judge(path: Path) -> None:
    """A network that judges."""
    (load_sync if "sync" in path.name else load_classifier)(path)


def encoder(path: Path) -> None:
    """What perception encodes a line with."""
    from face_emote.perception.encoder import load_encoder

    load_encoder.cache_clear()
    load_encoder(path)


def training(path: Path) -> None:
    """A configuration of a training."""
    from face_emote_lab.train.config import read_config

    read_config(path)


def corpus(path: Path) -> None:
    """A part of a corpus; the rest of it is well."""
    from face_emote_lab.train.corpus.cache import read_corpus

    for whole in (STOCK_CORPUS[0] / "librispeech").iterdir():
        if whole.name != path.name:
            path.with_name(whole.name).symlink_to(whole)
    try:
        read_corpus(path.parent.parent)
    finally:
        for link in path.parent.iterdir():
            if link.name != path.name:
                link.unlink()


def run_settings(path: Path) -> None:
    """Go on with a run whose settings lie there."""
    from face_emote_lab.train.config import read_config
    from face_emote_lab.train.run_folder import open_run

    open_run(path.parent, read_config("tiny"), board=False)


def run_log(path: Path) -> None:
    """Go on with a run whose log lies there."""
    from face_emote_lab.train.run_folder import RunFolder

    RunFolder(path.parent).forget_after(3)


def run_state(path: Path) -> None:
    """Go on from a checkpoint of a run."""
    from face_emote_lab.train.run_folder import RunFolder

    RunFolder(path.parent).load()


def tracks(path: Path) -> None:
    """Lips of a tracker."""
    from tools.train_network.tracks import read_tracks

    read_tracks(path)


def phone_table(path: Path) -> None:
    """Phones of many clips."""
    from tools.train_network.labels import read_aligned

    read_aligned(path)


def phrases(path: Path) -> None:
    """Transcripts of a corpus."""
    from tools.train_network.synthetic import read_pieces

    read_pieces(path)


def labels(path: Path) -> None:
    """Labels of a hand."""
    from tools.train_network.labels import read_lablaut

    read_lablaut(path)


def channels(path: Path) -> None:
    """A capture of FACEGOOD's."""
    from tools.train_network.facegood import read_channels

    read_channels(path)


def user_coefficients(path: Path) -> None:
    """Coefficients of a corpus of the user's."""
    from face_emote_lab.train.corpus.user_flame import measured_coefficients

    measured_coefficients(path, flame=None, fps=25.0)


def user_vertices(path: Path) -> None:
    """Vertices of a corpus of the user's."""
    from face_emote_lab.train.corpus.user_flame import measured_vertices

    measured_vertices(path, template=None)


def extension(name: str) -> Any:
    """A module of the extension that needs no Blender."""
    for parent in ("blender_addon", "blender_addon.engine", "blender_addon.apply"):
        if parent not in sys.modules:
            hollow = types.ModuleType(parent)
            hollow.__path__ = [str(ROOT / parent.replace(".", "/"))]
            sys.modules[parent] = hollow
    return importlib.import_module(f"blender_addon.{name}")


def preset(path: Path) -> None:
    """Whose shape key is which curve."""
    mapping = extension("apply.mapping")
    mapping.mapping_matrix(mapping.load_preset(path).rows, sources=CONTROLS[:52])


def answer(path: Path) -> None:
    """A line of the engine's."""
    extension("engine.client").parsed_answer(path.read_bytes().decode("utf-8", "replace"))


def _archive(name: str, arrays: Callable[[], dict[str, Any]]) -> Callable[[Path], list[Seed]]:
    return lambda folder: [stock.seed_of(stock.archived(folder, name, arrays()))]


def _heads(folder: Path) -> list[Seed]:
    def own(path: Path) -> None:
        write_head(read_flame(_flame(folder)), path)

    archives = [
        stock.kept(folder, "own_flame.npz", own),
        _flame(folder),
        stock.archived(folder, "smplx.npz", stock.smplx_arrays()),
    ]
    return [stock.seed_of(path) for path in archives]


def _flame(folder: Path) -> Path:
    return stock.archived(folder, "flame.npz", stock.flame_arrays())


def _bundled(_folder: Path) -> list[Seed]:
    return [stock.seed_of(BUNDLED_HEAD)]


def _pickles(folder: Path) -> list[Seed]:
    made = (("flame.pkl", stock.flame_arrays()), ("smplx.pkl", stock.smplx_arrays()))
    return [stock.seed_of(stock.pickled(folder, name, arrays)) for name, arrays in made]


def _map() -> dict[str, Any]:
    many = NUM_EXPRESSION
    return {
        "coefficients": np.zeros((many, 50), np.float32), "jaw_scale": 1.0, "scale": 1.0, "gram": np.eye(many),
        "cross": np.zeros((50, many)), "distance_mm": 1.0, "cosines": np.ones(many),
    }  # fmt: skip


def _rigs(folder: Path) -> list[Seed]:
    stock.motion(folder)
    cues = (ROOT / "assets" / "rigs" / "rhubarb.toml").read_bytes()
    as_json = json.dumps(
        {"title": "Heroine", "sums": {"Smile": {"mouthSmileLeft": 1.0}, "Blink": {"eyeBlinkLeft": 0.5}}}
    )
    named = b"# names\nmouthSmileLeft\nEyeBlink_L\nnothing\n"
    return [Seed(RIG.encode(), ".toml"), Seed(cues, ".toml"), Seed(as_json.encode(), ".json"), Seed(named, ".txt")]


def _net(folder: Path) -> list[Seed]:
    from face_emote.network.config import NetConfig, PathConfig
    from face_emote.network.weights import weight_shapes
    from face_emote_lab.train.checkpoint_file import write_checkpoint

    config = NetConfig(
        lips=PathConfig(width=16, layers=1, heads=2, band=7, taps=4, growth=2),
        expression=PathConfig(width=12, layers=1, heads=3, band=5, taps=3, growth=2),
        condition_width=8, styles=("generic",),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    weights = {name: 0.1 * rng.normal(size=shape).astype(np.float32) for name, shape in weight_shapes(config).items()}
    path = stock.kept(
        folder, "net.safetensors", lambda path: write_checkpoint(path, weights, config=config, card="tiny")
    )
    return [stock.seed_of(path)]


def _judges(_folder: Path) -> list[Seed]:
    files = sorted((ROOT / "assets" / "experts").glob("*_judge.safetensors"))
    return [Seed(path.read_bytes(), f".{path.name}") for path in files if "compounds" not in path.name]


def _encoder(folder: Path) -> list[Seed]:
    from face_emote.perception.encoder import Encoder, EncoderSpec, weight_shapes
    from tools.train_encoder.encoder_file import write_encoder

    spec = EncoderSpec(width=8, layers=1, heads=2, hidden=8, chunk=4)
    small = Encoder(spec, {name: np.ones(shape, np.float32) for name, shape in weight_shapes(spec).items()})
    return [
        stock.seed_of(stock.kept(folder, "encoder.safetensors", lambda path: write_encoder(small, path, card="tiny")))
    ]


def _configurations(_folder: Path) -> list[Seed]:
    return [stock.seed_of(path) for path in sorted((ROOT / "assets" / "training").glob("*.toml"))]


STOCK_CORPUS: list[Path] = []


def _corpus(name: str) -> Callable[[Path], list[Seed]]:
    def make(folder: Path) -> list[Seed]:
        from face_emote.core.names import SAMPLE_RATE_HZ
        from face_emote_lab.train.corpus.cache import ClipData, Job, num_frames_of, write_source

        def clip() -> ClipData:
            samples = stock.spoken()[: SAMPLE_RATE_HZ // 2]
            frames = num_frames_of(len(samples))
            rows = np.zeros((frames, 9), np.float32)
            return ClipData(samples=samples, lips=rows, known=rows.astype(np.uint8), phones=rows[:, 0].astype(np.uint8))

        def write(path: Path) -> None:
            job = Job(name="19_0", talker="19", language="en", kind="voice", split="train", make=clip)
            write_source([job], folder=path, source="librispeech")

        where = stock.kept(folder, "corpus", write)
        STOCK_CORPUS[:] = [where]
        return [stock.seed_of(where / "librispeech" / name)]

    return make


def _settings(folder: Path) -> list[Seed]:
    from face_emote_lab.train.config import read_config
    from face_emote_lab.train.run_folder import open_run

    where = stock.kept(folder, "run", lambda path: open_run(path, read_config("tiny"), board=False))
    return [stock.seed_of(where / "config.json")]


def _log(_folder: Path) -> list[Seed]:
    return [Seed(b"step,name,value\n" + b"".join(b"%d,loss,0.%d\n" % (i, i) for i in range(1, 9)), ".csv")]


def _state(folder: Path) -> list[Seed]:
    import torch

    where = stock.kept(folder, "last.pt", lambda path: torch.save({"step": 3, "net": {"w": torch.zeros(4)}}, path))
    return [stock.seed_of(where)]


def _tracks() -> dict[str, Any]:
    features = np.array(["gap", "inwidth", "jaw"])
    return {"clips": np.array(["a", "b"]), "feat_names": features, "feat": np.zeros((2, 75, 3), np.float32)}


def _channels() -> dict[str, Any]:
    return {"bs": np.zeros((30, 3)), "names": np.array(["jaw_open", "a", "b"]), "fps": 30.0}


def _coefficients() -> dict[str, Any]:
    return {"expression": np.zeros((20, 50), np.float32), "jaw_pose": np.zeros((20, 3), np.float32), "fps": 25.0}


def _vertices(folder: Path) -> list[Seed]:
    vertices = np.random.default_rng(0).normal(0.0, 0.1, (3, 5023, 3)).astype(np.float32)
    return [stock.seed_of(stock.kept(folder, "vertices.npy", lambda path: np.save(path.open("wb"), vertices)))]


def _phone_table(_folder: Path) -> list[Seed]:
    return [
        Seed(json.dumps({"a": [["the", "DH", 0.0, 0.1, 0.9], ["the", "AH", 0.1, 0.2, 0.9]], "b": []}).encode(), ".json")
    ]


def _phrases(_folder: Path) -> list[Seed]:
    return [Seed(json.dumps({"a": "the family of dashwood had been long settled", "b": "no"}).encode(), ".json")]


def _presets(_folder: Path) -> list[Seed]:
    return [stock.seed_of(ROOT / "blender_addon" / "presets" / name) for name in ("arkit.json", "vrm0.json")]


def _answers(_folder: Path) -> list[Seed]:
    told = (
        {"id": 7, "event": "progress", "value": 0.4, "stage": "listening"}, {"id": 7, "result": {"path": "a"}},
        {"id": 7, "error": {"kind": "user", "message": "no", "details": ""}},
    )  # fmt: skip
    return [Seed(json.dumps(one).encode(), ".json") for one in told]


READERS = (
    Reader("head-file", "head", _heads, head, NPZ, quick=True),
    Reader("bundled-head", "head", _bundled, head, NPZ),
    Reader("head-pickle", "head", _pickles, head, PICKLE, quick=True),
    Reader("kept-map", "head", _archive("map.npz", _map), kept_map, NPZ, (OSError, ValueError)),
    Reader("rig", "rig", _rigs, rig, (*TEXT, *JSON), beside=("line.npz",)),
    Reader("network", "network", _net, network, TENSORS),
    Reader("judge", "network", _judges, judge, TENSORS),
    Reader("encoder", "network", _encoder, encoder, TENSORS),
    Reader("training-settings", "training", _configurations, training, TEXT),
    Reader("corpus-list", "training", _corpus("clips.jsonl"), corpus, JSON_LINES, name_there="librispeech/clips.jsonl"),
    Reader("corpus-array", "training", _corpus("mels.npy"), corpus, name_there="librispeech/mels.npy"),
    Reader("run-settings", "training", _settings, run_settings, JSON, name_there="config.json"),
    Reader("run-log", "training", _log, run_log, TEXT, name_there="log.csv"),
    Reader("run-state", "training", _state, run_state, NPZ, name_there="last.pt"),
    Reader("tracked-lips", "training", _archive("tracks.npz", _tracks), tracks, NPZ),
    Reader("phone-table", "training", _phone_table, phone_table, JSON),
    Reader("phrases", "training", _phrases, phrases, JSON),
    Reader("hand-labels", "training", lambda _: [Seed(LABELS.encode(), ".lablaut")], labels, TEXT),
    Reader("capture-channels", "training", _archive("channels.npz", _channels), channels, NPZ),
    Reader("own-coefficients", "training", _archive("coefficients.npz", _coefficients), user_coefficients, NPZ),
    Reader("own-vertices", "training", _vertices, user_vertices),
    Reader("mapping-preset", "extension", _presets, preset, JSON, (ValueError,)),
    Reader("engines-answer", "extension", _answers, answer, JSON, is_file=False),
)
