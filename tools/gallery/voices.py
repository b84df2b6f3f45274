"""One neutral sentence, seven feelings: the face, and pitch and energy of the voice before and after."""

import numpy as np
from PIL import Image, ImageDraw

import face_emote as fe
from face_emote.audio.examples import example_speech
from face_emote.core.options import Picture
from face_emote.core.types import Speech
from face_emote.verbs.render import render_frames
from face_emote.voice.vocoder import FRAME_HZ, pitch_of

SEVEN = ("joy", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
FACE, WIDTH = 200, 860
SECS, FACE_SECS = 3.0, (0.8, 2.15)
"""What is plotted of the sentence, and the instants of which a face is drawn."""
GROUND, WAS, PITCH, ENERGY = (18, 18, 20), (130, 130, 138), (255, 176, 64), (96, 190, 255)
MOST_RISEN = 1.85
"""No voice is moved as far: where it seems so, the tracker heard an overtone, or a pitch in a breath."""
PITCH_HZ, LEVEL_DB = (60.0, 400.0), (-70.0, -10.0)


def voices() -> np.ndarray:
    """A row a feeling: two faces, pitch above, energy below; grey is the recording."""
    example = example_speech()[1]
    recorded = fe.read_speech(example.path)
    rows = []
    for feeling in SEVEN:
        motion = fe.animate(example.path, emotion=feeling, transcript=example.transcript, fps=25.0)
        frames = [round(secs * motion.fps) for secs in FACE_SECS]
        faces = render_frames(motion, frames, picture=Picture(size=FACE, camera="close"))
        rows.append(np.concatenate([*faces, plotted(recorded, fe.retune(recorded, feeling), feeling)], axis=1))
    return np.concatenate(rows)


def plotted(before: Speech, after: Speech, title: str) -> np.ndarray:
    """Both, over each other."""
    picture = Image.new("RGB", (WIDTH, FACE), GROUND)
    pen = ImageDraw.Draw(picture)
    own = pitch_of(before.samples, before.sample_rate)
    for speech, pitch_ink, energy_ink in ((before, WAS, WAS), (after, PITCH, ENERGY)):
        pitch, level = pitch_of(speech.samples, speech.sample_rate), levels(speech)
        pitch = np.where(pitch < MOST_RISEN * own, pitch, 0.0)
        high = 100.0 * np.log2(np.maximum(pitch, 1.0) / PITCH_HZ[0]) / np.log2(PITCH_HZ[1] / PITCH_HZ[0])
        loud = 80.0 * (np.clip(level, *LEVEL_DB) - LEVEL_DB[0]) / (LEVEL_DB[1] - LEVEL_DB[0])
        across = np.arange(len(pitch)) * (WIDTH / SECS / FRAME_HZ)
        for i in range(1, min(len(pitch), len(level), round(SECS * FRAME_HZ))):
            ends = (float(across[i - 1]), float(across[i]))
            if pitch[i - 1] > 0.0 and pitch[i] > 0.0:
                pen.line((ends[0], 108.0 - high[i - 1], ends[1], 108.0 - high[i]), fill=pitch_ink, width=2)
            pen.line((ends[0], 195.0 - loud[i - 1], ends[1], 195.0 - loud[i]), fill=energy_ink)
    pen.text((8, 4), title, fill=(235, 235, 235), font_size=18)
    pen.text((WIDTH - 210, 4), f"pitch {PITCH_HZ[0]:.0f} - {PITCH_HZ[1]:.0f} Hz; energy", fill=WAS, font_size=14)
    return np.asarray(picture)


def levels(speech: Speech) -> np.ndarray:
    """dB, one a frame of the pitch."""
    hop = speech.sample_rate // FRAME_HZ
    power = np.square(speech.samples[: len(speech.samples) // hop * hop].reshape(-1, hop)).mean(axis=1)
    smooth = np.convolve(power, np.ones(5) / 5.0, "same")
    return np.asarray(10.0 * np.log10(smooth + 1e-9))
