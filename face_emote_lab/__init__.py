"""What needs torch, and what measures: pictures with gradients, people read closely, training, evaluation.

Ships with `face_emote`, which asks for it by name where it is wanted (`core.lab`).
"""
