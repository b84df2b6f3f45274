# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine runs in a process of its own. Only `current` and `jobs` know Blender; the rest is plain Python."""
