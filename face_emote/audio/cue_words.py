"""Words among cues that have no sounds are given those of their spelling."""

from dataclasses import replace

from face_emote.audio.pronunciation import SPELT, pronunciations
from face_emote.core.cues import EDGE_SECS, MouthCues, sounds_of
from face_emote.core.types import Phone, SpokenWord


def with_sounds(cues: MouthCues) -> MouthCues:
    """The cues with sounds for every word in which no phone's middle lies (a silence is none)."""
    spoken = [phone for phone in cues.phones if phone.label != "SIL"]
    language = cues.language if cues.language in SPELT else "en"
    phones = list(cues.phones)
    first = 0
    for word in cues.words:
        while first < len(spoken) and spoken[first].centre_secs < word.start_secs:
            first += 1
        if first < len(spoken) and spoken[first].centre_secs < word.end_secs:
            continue
        written = word.text.lower() if word.text[1:].islower() else word.text
        own = sounds_of(word, pronunciations(written, language=language)[0])
        phones = [cut for phone in phones for cut in _without(phone, word)] + list(own)
    return replace(cues, phones=tuple(sorted(phones, key=lambda phone: phone.start_secs)))


def _without(phone: Phone, word: SpokenWord) -> list[Phone]:
    """What is left of a phone beside a word."""
    before = replace(phone, end_secs=min(phone.end_secs, word.start_secs))
    after = replace(phone, start_secs=max(phone.start_secs, word.end_secs))
    return [part for part in dict.fromkeys((before, after)) if part.end_secs - part.start_secs > EDGE_SECS]
