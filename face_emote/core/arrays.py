"""Shape annotations that cost nothing: jaxtyping where it is installed, plain numpy arrays where it is not.

The engine must import with numpy alone (Blender bundles it so), hence the fallback. Tests run with jaxtyping's
import hook on, which checks every annotated shape at every call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, UInt8
else:
    try:
        from jaxtyping import Bool, Float, Int, UInt8
    except ImportError:

        class _Unchecked:
            """Stands where a jaxtyping class would: `Float[np.ndarray, "frames 3"]` is then `np.ndarray`."""

            def __class_getitem__(cls, item: tuple[type, str]) -> type:
                return item[0]

        Bool = Float = Int = UInt8 = _Unchecked

Array = np.ndarray

__all__ = ["Array", "Bool", "Float", "Int", "UInt8"]
