# SPDX-License-Identifier: GPL-3.0-or-later
"""From takes to Blender data: heads, actions, materials, sound. `axes`, `mapping` and `decimate` know no bpy."""
