"""Draws another take with every seed: what brows, lids and head of a living face do beside what is felt."""
