"""Named curves as a USD animation without a mesh; MetaHuman's under the names that its importers read, too."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from face_emote.core.arrays import Array, Float
from face_emote.core.motion import MotionSource
from face_emote.face.head import Head

METAHUMAN = "CTRL_expressions_"


def write_usd_curves(
    path: Path, motion: MotionSource, values: Iterator[Float[Array, "frames target"]], *, names: Sequence[str],
    head: Head,
) -> None:  # fmt: skip
    """A SkelAnimation of blend shape weights, a time code a frame.

    Curves of a MetaHuman are `custom:mh_curveNames` and `custom:mh_curveValues` besides, as Audio2Face writes them for
    Unreal.
    """
    from pxr import Sdf, Usd, UsdGeom, UsdSkel, Vt

    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetTimeCodesPerSecond(motion.fps)
    stage.SetFramesPerSecond(motion.fps)
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(motion.num_frames - 1)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/face").GetPrim())
    clip = UsdSkel.Animation.Define(stage, "/face/performance")
    clip.CreateBlendShapesAttr(list(names))
    tracks = [clip.CreateBlendShapeWeightsAttr()]
    if names[0].startswith(METAHUMAN):
        prim, kinds = clip.GetPrim(), Sdf.ValueTypeNames
        prim.CreateAttribute("custom:mh_curveNames", kinds.TokenArray).Set(Vt.TokenArray(list(names)))
        tracks.append(prim.CreateAttribute("custom:mh_curveValues", kinds.FloatArray))
    code = 0
    for block in values:
        for row in np.ascontiguousarray(block, np.float32):
            for track in tracks:
                track.Set(Vt.FloatArray.FromNumpy(row), code)
            code += 1
    stage.GetRootLayer().Save()
