"""Do the vowels of other faces follow the sounds, and how near are their mouths to ours?

python -m bench.rigs
"""

from face_emote.audio.analyse import analyse
from face_emote.audio.examples import example_speech
from face_emote.evaluation.vowels import vowel_figures
from face_emote.rigs.rig_file import load_rig
from face_emote.verbs.animate import animate


def main() -> None:
    """Print the figures of every rig that has vowels, over the five bundled recordings."""
    clips = []
    for example in example_speech():
        phones = analyse(example.path, transcript=example.transcript).phones
        clips.append((animate(example.path, transcript=example.transcript, emotion="neutral"), phones))
    for name in ("vrm", "vroid", "oculus"):
        found = vowel_figures(clips, rig=load_rig(name))
        each = ", ".join(f"{sound} {found.leads_of[sound]:.2f} of {found.frames_of[sound]}" for sound in found.leads_of)
        print(f"{name}: the right vowel leads in {found.leads:.3f} of vowel frames ({each}); "
              f"lips {found.lip_error_mm:.2f} mm off")  # fmt: skip


if __name__ == "__main__":
    main()
