"""Do the vowels of other faces follow the sounds, and how near are their mouths to ours?

python -m bench.rigs
"""

from face_emote.audio.analyse import analyse
from face_emote.audio.examples import example_speech
from face_emote.rigs.rig_file import load_rig
from face_emote.verbs.animate import animate
from tools.vowel_figures import vowel_figures


def main() -> None:
    """Print the figures of every rig that has vowels, over the five bundled recordings."""
    examples = example_speech()
    phones = [analyse(item.path, transcript=item.transcript).phones for item in examples]
    plain = [animate(item.path, transcript=item.transcript, emotion="neutral") for item in examples]
    felt = [animate(item.path, emotion=emotion) for item in examples for emotion in ("joy", "anger")]
    takes = {
        "neutral, with a transcript": (plain, phones),
        "joy and anger, without": (felt, [item for item in phones for _ in range(2)]),
    }
    for name in ("vrm", "vroid", "oculus"):
        for what, (motions, said) in takes.items():
            found = vowel_figures(list(zip(motions, said, strict=True)), rig=load_rig(name))
            each = ", ".join(
                f"{sound} {leads:.2f} of {found.frames_of[sound]}" for sound, leads in found.leads_of.items()
            )
            print(f"{name}, {what}: the right vowel leads in {found.leads:.3f} of vowel frames ({each}); "
                  f"lips {found.lip_error_mm:.2f} mm off")  # fmt: skip


if __name__ == "__main__":
    main()
