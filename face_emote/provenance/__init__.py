"""Signed marks (C2PA) that say of a video or a head: made by a machine, with this tool, from these inputs."""
