"""Training configurations: read strictly, with the user's mistakes explained."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs torch: pip install 'face-emote[train]'")

from face_emote.core.errors import ConfigError
from face_emote_lab.train.config import BUNDLED, DataConfig, TrainConfig, read_config
from face_emote_lab.train.corpus.build import USER_KINDS


@pytest.mark.parametrize("path", sorted(BUNDLED.rglob("*.toml")), ids=lambda p: p.stem)
def test_every_bundled_configuration_can_be_used(path: Path):
    assert read_config(path).name


def test_every_kind_of_own_data_is_learnt_from_unless_a_configuration_says_otherwise():
    assert {f"user_{kind}" for kind in USER_KINDS} <= {
        name for name, share in DataConfig().shares.items() if share > 0.0
    }


def test_a_bundled_configuration_is_found_by_its_name():
    assert read_config("tiny").net.lips.width == 16
    assert read_config("folds/a").name == "fold-a"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nam = 'x'", "did you mean 'name'"),
        ("[optimiser]\nsteps = 'many'", "optimiser.steps in mine.toml cannot be 'many'"),
        ("[optimiser]\nsteps = 0", "steps must be at least 1"),
        ("[data]\ncrop_frames = 30", "data.crop_frames must exceed"),
        ("[data.shares]\ngrid_s1 = 0.0", "add up to 0"),
        ("net = 3", "net in mine.toml cannot be 3"),
        ("[optimiser]\nsteps = true", "optimiser.steps in mine.toml cannot be 'true'"),
        ("[net]\nlook_ahead_frames = [3, 7.5]", "look_ahead_frames in mine.toml cannot be"),
        ("[optimizer]\nsteps = 3", "did you mean 'optimiser'"),
        ("[net.lips]\nwidth = 10\nheads = 3", "multiple of its heads"),
        ("parts = ['lungs']", "parts must name"),
        ("not toml at all", "cannot be read"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, text: str, said: str):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_config(path)


def test_folds_go_on_from_a_network_that_met_none_of_their_talkers():
    folds = [read_config(f"folds/{fold}") for fold in "abc"]
    held_out = [talker for fold in folds for talker in fold.data.hold_out_talkers]
    assert all(fold.start_from.endswith("base/model.safetensors") for fold in folds)
    assert sorted(read_config("base").data.hold_out_talkers) == sorted(held_out) and len(set(held_out)) == 11


def test_a_missing_configuration_names_those_there_are():
    with pytest.raises(ConfigError, match=r"there are .*tiny"):
        read_config("tinny")
    with pytest.raises(ConfigError, match="no such training configuration"):
        read_config("nowhere.toml")


def test_an_empty_file_is_the_recommended_configuration(tmp_path: Path):
    path = tmp_path / "empty.toml"
    path.write_text("")
    assert read_config(path) == TrainConfig()


@pytest.mark.parametrize(
    "net", ["[net.lips]\nheads = 0", "[net.lips]\nwidth = 30\nheads = 4", "[net]\nlook_ahead_frames = []"]
)
def test_a_network_that_no_checkpoint_could_hold_is_not_trained(net, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(f"{net}\n")
    with pytest.raises(ConfigError, match="net: "):
        read_config(path)
