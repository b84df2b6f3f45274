# SPDX-License-Identifier: GPL-3.0-or-later
"""From takes to Blender data: heads, actions, materials, sound.

`axes`, `mapping`, `regions` and `fitting` know no bpy.
"""
