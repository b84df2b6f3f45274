"""Names and shapes of every weight of a configuration: what a checkpoint must hold, no more and no less."""

from face_emote.audio.logmel import NUM_BANDS
from face_emote.core.names import PHONES
from face_emote.network.channels import EMOTION_COLUMNS, LIP_CHANNELS, NUM_EXPRESSION_OUTPUTS
from face_emote.network.config import LATENT_FRAMES, NetConfig, PathConfig

UNKNOWN_PHONE = len(PHONES)
"""Index of the phone embedding where no transcript is given."""
STEM_TAPS = 3
"""Of the lip path's first convolution, at 100 Hz."""
HALVING_TAPS = 4
"""Of its second one, stride 2."""
LATENT_ROWS = 2 * LATENT_FRAMES
"""Taps and stride of the expression path's convolution."""

Shape = tuple[int, ...]


def weight_shapes(config: NetConfig) -> dict[str, Shape]:
    """Shape of each weight; names and axes are those of `train.torch_net.TorchMotionNet`'s state_dict."""
    wide, d, e = config.condition_width, config.lips.width, config.expression.width
    looks, emotion = (len(config.look_ahead_frames), wide), (wide, len(EMOTION_COLUMNS))
    lips = {
        **_affine("stem_mel", d, NUM_BANDS, STEM_TAPS),
        **_affine("stem_half", d, d, HALVING_TAPS),
        "phones.weight": (UNKNOWN_PHONE + 1, d),
        "look_ahead.weight": looks,
        "style.weight": (len(config.styles), wide),
        **(_affine("emotion", *emotion) if config.lips_see_emotion else {}),
        **_blocks(config.lips, condition_width=wide),
        **_affine("lip_head", len(LIP_CHANNELS), d),
        **_affine("phone_head", len(PHONES), d),
    }
    expression = {
        **_affine("stem_mel", e, NUM_BANDS, LATENT_ROWS),
        **_affine("stem_dense", e, e),
        "look_ahead.weight": looks,
        **_affine("emotion", *emotion),
        **_blocks(config.expression, condition_width=wide),
        **_affine("head", NUM_EXPRESSION_OUTPUTS, e),
    }
    return {
        "x0": (NUM_BANDS,),
        **{f"lip_path.{name}": shape for name, shape in lips.items()},
        **{f"expression_path.{name}": shape for name, shape in expression.items()},
    }


def _blocks(path: PathConfig, *, condition_width: int) -> dict[str, Shape]:
    d, wide = path.width, path.growth * path.width
    block = {
        **_affine("modulation", 9 * d, condition_width),
        "qkv.weight": (3 * d, d),
        "attention_bias": (path.heads, path.band),
        **_affine("attended", d, d),
        **_affine("depthwise", d, 1, path.taps),
        **_affine("mixed", d, d),
        **_affine("widened", wide, d),
        **_affine("narrowed", d, wide),
    }
    return {f"blocks.{i}.{name}": shape for i in range(path.layers) for name, shape in block.items()}


def _affine(name: str, out: int, *rest: int) -> dict[str, Shape]:
    return {f"{name}.weight": (out, *rest), f"{name}.bias": (out,)}
