"""Read an emotion as people write it.

```
plan     = [ auto ";" ] key { ";" key } [ ";" ] | [ auto ";" ] blend { then blend } [ ";" ] | auto [ ";" ]
key      = time [ ":" ] blend                      (the first may lack its time: it is 0 s)
then     = [ "," | ";" ] [ "and" ] "then" [ "," ]   hurt, then cold: each for its share of the speech
time     = [ "at" ] ( number [ "s" | "sec" | "ms" | "min" | ... ] | [ hh ":" ] mm ":" ss [ "." fff ] )
blend    = hiding-verb sum link sum                masking fear with joy
         | sum [ [ joiner ] hidden-by sum ]        anger hidden under a smile
         | sum [ [ joiner ] hiding sum ]           a smile hiding anger | happy, but hiding sadness
           [ leak ]                                (leak 30%)
leak     = [ "(" ] [ "," ] "leak" [ ":" | "=" ] value [ ")" ]
sum      = part { joiner part }                    joy 70% + guilt 30% | joy tinged with guilt
part     = [ value "%" ] term { term } [ amount ]  sad smile: the last term leads, those before it count half
term     = { amount-word | manner } atom           very calm anger | slightly suppressed joy
amount   = ":" value | value "%"                   value: 0..1, or 0..100 followed by "%"
atom     = emotion-word | vad | state | auto | "(" blend ")"
vad      = "vad" "(" number "," number "," number ")"                       each -1..1
state    = "state" "(" field "=" number { "," field "=" number } ")"        every figure verbatim
field    = emotion | "hidden" emotion | "valence" | "arousal" | "dominance" | "intensity" | "leak"
auto     = "auto" [ amount ]                       the emotion that is heard in the voice
```
Emotion words come from the lexicon, in any form; amount words, manners, joiners and hiding words from `phrases`. Case,
blanks, articles and hyphens do not matter.

Amounts. `+`, `and` and the comma join equals: a part without an amount takes what the others leave of 1 (`joy 70% +
guilt` is 70/30), or the mean of the others when nothing is left. `tinged with` and its kin give the second part a share
of the first one's amount. Amounts that sum to less than 1 leave the rest neutral; larger sums are shares.
`auto + joy:0.3` is 70 % voice and 30 % joy.
"""

from dataclasses import dataclass

import numpy as np

from face_emote.core.errors import EmotionError
from face_emote.core.names import EMOTIONS
from face_emote.core.types import EmotionKey, EmotionPlan
from face_emote.emotion import phrases
from face_emote.emotion.blending import (
    DEFAULT_LEAK,
    Part,
    State,
    at_intensity,
    combine,
    filled_amounts,
    finished,
    hide,
    mix_from_vad,
    scaled,
    sum_of,
)
from face_emote.emotion.lexicon import find_word, load_lexicon, nearest_words
from face_emote.emotion.tokens import Cursor, tokenize

MAX_DEPTH = 12  # Deepest nesting of parentheses.
MAX_TURNS = 20
_JOINING = frozenset(phrases.JOINERS) | phrases.HIDDEN_LEFT | phrases.HIDDEN_RIGHT


def describe(text: str) -> EmotionPlan:
    """The plan that an emotion description stands for; the grammar is in this module's docstring.

    EmotionError: in one sentence, with the place of what cannot be read and, for a word that is not known, the nearest
    known ones.
    """
    cursor = Cursor(tokens=tokenize(text))
    parser = _Parser(cursor=cursor)
    segments = cursor.segments()
    keys: list[EmotionKey] = []
    auto, timed = 0.0, False
    turns: list[str] = []
    for number, (first, stop) in enumerate(segments):
        cursor.enter(first, stop)
        time = cursor.time(bare=len(segments) > 1)
        if time is None and keys and (timed or cursor.tokens[first - 1].text != "then"):
            raise cursor.error("needs a time before it, for example 1.5s" + ("" if timed else ", or 'then'"))
        if time is not None and len(keys) > 1 and not timed:
            raise cursor.error("has a time, and those before it follow by 'then'; give all of them times, or none")
        timed = timed or time is not None
        place = cursor.token.place
        share, state = parser.blend_with_auto()
        if share > 0.0 and (number > 0 or time is not None or cursor.tokens[stop].text == "then"):
            raise EmotionError(
                f"auto at character {place} cannot be a key; write it first, as in auto:0.5; 0s joy; 2s anger"
            )
        if share > 0.0 and len(segments) > 1:
            if state.intensity > 0 or state.covert.any():
                raise EmotionError("auto stands alone before keys, as in auto:0.5; 0s joy; 2s anger")
            auto = share
            continue
        auto = max(auto, share)
        at_secs = float(len(keys)) if time is None else round(time, 9)
        turns.append(text[cursor.tokens[first].place - 1 : cursor.tokens[stop].place - 1].strip())
        if keys and at_secs <= keys[-1].time_secs:
            raise EmotionError(
                f"The key at {at_secs:g} s (character {cursor.tokens[first].place}) must come later than the one "
                f"before it at {keys[-1].time_secs:g} s"
            )
        keys.append(EmotionKey(time_secs=at_secs, emotion=finished(state)))
    if not keys:
        keys.append(EmotionKey(time_secs=0.0, emotion=finished(State())))
    in_turn = () if timed or len(keys) == 1 else tuple(turns)
    if len(in_turn) > MAX_TURNS:
        raise EmotionError(f"{len(in_turn)} feelings follow each other by 'then', at most {MAX_TURNS}; give them times")
    return EmotionPlan(keys=tuple(keys), auto=round(auto, 6), text=text, turns=in_turn)


def plan_of(emotion: str | EmotionPlan, intensity: float = 1.0) -> EmotionPlan:
    """A plan, or the one that a description stands for (see `describe`), felt at an intensity."""
    return at_intensity(describe(emotion) if isinstance(emotion, str) else emotion, intensity)


@dataclass(slots=True)
class _Parser:
    """One method for each rule of the grammar."""

    cursor: Cursor
    depth: int = 0
    bare_with: bool = True  # Whether `with` alone joins emotions; not inside `masking fear with joy`.

    def blend_with_auto(self) -> tuple[float, State]:
        """A whole segment: the share of the voice, and the emotion of the rest."""
        parts, state = self.blend()
        if self.cursor.token.kind != "end":
            raise self.cursor.error("cannot be read here; join emotions with +, a comma or 'tinged with'")
        if not any(part.state is None for part in parts):
            return 0.0, state
        amounts = filled_amounts(parts)
        heard = sum(amount for amount, part in zip(amounts, parts, strict=True) if part.state is None)
        own = sum(amounts) - heard
        share = heard / max(1.0, heard + own)
        if share <= 0.0:
            raise EmotionError("auto:0 asks for nothing from the voice; leave auto out")
        rescale = 1.0 / own if heard + own > 1.0 else 1.0 / max(1.0 - share, 1e-9)
        rest = [
            (min(1.0, amount * rescale), part.state)
            for amount, part in zip(amounts, parts, strict=True)
            if part.state is not None and amount > 0.0
        ]
        return min(1.0, share), combine(rest) if rest else State()

    def blend(self) -> tuple[list[Part], State]:
        """A sum, or a sum hidden by another; the parts are those of a plain sum."""
        verb = self.cursor.phrase(phrases.HIDING_VERBS)
        if verb is not None:
            self.bare_with = False
            under = self.plain_sum()
            self.bare_with = True
            surface = self.plain_sum() if self.cursor.phrase(phrases.HIDING_LINKS | phrases.HIDDEN_LEFT) else State()
            return [], hide(under, surface=surface, leak=self.leak(default=DEFAULT_LEAK))
        parts = self.sum()
        leak, left, right = self.hiding()
        if left or right:
            other = self.plain_sum()
            own = sum_of(parts)
            under, surface = (own, other) if left else (other, own)
            return [], hide(under, surface=surface, leak=self.leak(default=leak))
        if any(part.state is None for part in parts):
            return parts, State()
        state = sum_of(parts)
        if self.leak_follows():
            if not state.covert.any():
                raise self.cursor.error("needs a hidden emotion before it, as in anger hidden under joy (leak 30%)")
            surface = State(mix=state.mix, intensity=state.intensity, vad=state.vad)
            hidden = State(mix=state.covert, intensity=1.0)
            state = hide(hidden, surface=surface, leak=self.leak(default=state.leak))
        return parts, state

    def hiding(self) -> tuple[float, bool, bool]:
        """Step over `(barely) hidden under` and the like: the leak, and which side is covert, if any."""
        start = self.cursor.at
        how = self.cursor.phrase(phrases.HIDDEN_HOW_WELL)
        if self.cursor.phrase(phrases.HIDDEN_LEFT):
            return phrases.HIDDEN_HOW_WELL.get(how or "", DEFAULT_LEAK), True, False
        if self.cursor.phrase(phrases.HIDDEN_RIGHT):
            return phrases.HIDDEN_HOW_WELL.get(how or "", DEFAULT_LEAK), False, True
        self.cursor.at = start
        return DEFAULT_LEAK, False, False

    def leak_follows(self) -> bool:
        """Whether a leak clause comes next."""
        ahead = [token.text for token in self.cursor.tokens[self.cursor.at : min(self.cursor.at + 2, self.cursor.stop)]]
        return bool(ahead) and (ahead[0] == "leak" or (len(ahead) > 1 and ahead[0] in "(," and ahead[1] == "leak"))

    def leak(self, *, default: float) -> float:
        """The leak clause, or `default`."""
        if not self.leak_follows():
            return default
        wrapped = self.cursor.take("(")
        self.cursor.take(",")
        self.cursor.at += 1
        _ = self.cursor.take(":") or self.cursor.take("=")
        leak = self.cursor.value(what="leak")
        if wrapped and not self.cursor.take(")"):
            raise self.cursor.error("stands where the leak's ) is expected")
        return leak

    def plain_sum(self) -> State:
        """A sum without `auto`."""
        return sum_of(self.sum())

    def sum(self) -> list[Part]:
        """Parts and their joiners."""
        parts = [self.part(relative=None)]
        while not self.leak_follows():
            if not self.bare_with and self.cursor.peek_phrase(phrases.JOINERS) == "with":
                break
            joiner = self.cursor.phrase(phrases.JOINERS)
            if joiner is None:
                break
            if joiner == ",":
                joiner = self.cursor.phrase(phrases.JOINERS) or joiner
            if self.cursor.peek_phrase(phrases.HIDDEN_LEFT | phrases.HIDDEN_RIGHT):
                break
            parts.append(self.part(relative=phrases.JOINERS[joiner]))
        return parts

    def part(self, *, relative: float | None) -> Part:
        """Terms side by side with an amount: in `sad smile` the smile leads and the sadness counts half."""
        amount = None
        if self.cursor.token.kind == "number":
            amount = self.cursor.value(what="amount")
            self.cursor.phrase(phrases.FILLERS)
        states = [self.term()]
        while states[-1] is not None and self.term_follows():
            states.append(self.term())
        if self.cursor.take(":") or (self.cursor.token.kind == "number" and self.cursor.is_percent()):
            if amount is not None:
                raise self.cursor.error("gives a second amount for one emotion; leave one out")
            amount = self.cursor.value(what="amount")
        if len(states) == 1:
            return Part(state=states[0], amount=amount, relative=relative)
        emotions = [state for state in states if state is not None]
        if len(emotions) < len(states):
            raise self.cursor.error("follows auto, which takes no adjective; join it with +")
        together = combine([(1.0, emotions[-1]), *((0.5, state) for state in emotions[:-1])])
        return Part(state=together, amount=amount, relative=relative)

    def term_follows(self) -> bool:
        """Whether another term starts here rather than a joiner, an amount or the end."""
        if self.cursor.token.kind != "word" or self.cursor.peek_phrase(_JOINING) or self.cursor.token.text == "leak":
            return False
        start = self.cursor.at
        joined = self.hiding()[1:] != (False, False)
        self.cursor.at = start
        return not joined

    def term(self) -> State | None:
        """An emotion with what qualifies it; None for auto."""
        power = 1.0
        qualifiers: list[tuple[str, float]] = []
        while True:
            self.skip_fillers()
            amount_word = self.cursor.phrase(phrases.AMOUNTS)
            if amount_word is not None:
                power *= phrases.AMOUNTS[amount_word]
                continue
            manner = self.cursor.peek_phrase(phrases.MANNERS)
            if manner is None:
                break
            start = self.cursor.at
            self.cursor.phrase(phrases.MANNERS)
            self.skip_fillers()
            if not (self.term_follows() or self.cursor.token.text == "("):
                self.cursor.at = start
                break
            qualifiers.append((manner, power))
            power = 1.0
        state = self.atom()
        if state is None:
            if qualifiers or power != 1.0:
                raise EmotionError("auto takes no adjective; write auto:0.5 to weaken it")
            return None
        state = scaled(state, power)
        for manner, strength in reversed(qualifiers):
            state = phrases.in_manner(state, phrases.MANNERS[manner], power=strength)
        self.skip_fillers()
        return state

    def skip_fillers(self) -> None:
        """Step over words that carry nothing, unless they open a phrase that does."""
        while self.cursor.token.text in phrases.FILLERS:
            if any(self.cursor.peek_phrase(table) for table in (phrases.AMOUNTS, _JOINING, load_lexicon().by_form)):
                return
            self.cursor.at += 1

    def atom(self) -> State | None:
        """An emotion word, `vad(..)`, `state(..)`, a blend in parentheses; None for auto."""
        if self.cursor.take("("):
            return self.parenthesis()
        token = self.cursor.token
        if token.kind != "word":
            raise self.cursor.error("stands where an emotion is expected, for example joy or calm anger")
        following = self.cursor.tokens[self.cursor.at + 1].text if self.cursor.at + 1 < self.cursor.stop else ""
        if token.text in {"vad", "state"} and following == "(":
            self.cursor.at += 2
            return self.vad() if token.text == "vad" else self.state()
        if token.text == "auto":
            self.cursor.at += 1
            return None
        return self.emotion_word()

    def emotion_word(self) -> State:
        """The longest emotion word or phrase that starts here."""
        for length in range(min(load_lexicon().longest_phrase, self.cursor.stop - self.cursor.at), 0, -1):
            piece = self.cursor.tokens[self.cursor.at : self.cursor.at + length]
            if any(token.kind != "word" for token in piece):
                continue
            word = find_word(" ".join(token.text for token in piece))
            if word is not None:
                self.cursor.at += length
                return State(mix=word.mix, intensity=word.intensity, vad=word.vad)
        token = self.cursor.token
        if token.text in phrases.NEGATIONS:
            raise self.cursor.error("negates, which is not understood; name the emotion that should show")
        if token.text in phrases.MANNERS or token.text in phrases.AMOUNTS:
            raise self.cursor.error("needs an emotion after it, for example joy")
        near = ", ".join(nearest_words(token.text))
        raise EmotionError(
            f"Unknown emotion {token.text[:40]!r} at character {token.place}; the nearest known words are {near}"
        )

    def parenthesis(self) -> State:
        """The rest of `( blend )`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.cursor.error(f"opens more than {MAX_DEPTH} nested parentheses; write it flatter")
        outside, self.bare_with = self.bare_with, True
        parts, state = self.blend()
        self.bare_with = outside
        if any(part.state is None for part in parts):
            raise self.cursor.error("comes after auto inside parentheses; auto stands outside, as in auto + joy:0.3")
        if not self.cursor.take(")"):
            raise self.cursor.error("stands where a ) is expected")
        self.depth -= 1
        return state

    def vad(self) -> State:
        """The rest of `vad( v, a, d )`."""
        values = []
        for name, mark in (("valence", ","), ("arousal", ","), ("dominance", ")")):
            values.append(self.cursor.number(lowest=-1.0, highest=1.0, what=name))
            if not self.cursor.take(mark):
                raise self.cursor.error(f"stands where a {mark} is expected, as in vad(-0.4, 0.7, 0.2)")
        point = np.array(values)
        mix, intensity = mix_from_vad(point)
        return State(mix=mix, intensity=float(intensity), vad=point)

    def state(self) -> State:
        """The rest of `state( field = number, .. )`."""
        figures: dict[str, float] = {}
        known = {*EMOTIONS, *(f"hidden {name}" for name in EMOTIONS[1:]), "intensity", "leak", *_VAD_FIELDS}
        while True:
            name = self.cursor.phrase(frozenset(known))
            if name is None or name in figures or not self.cursor.take("="):
                raise self.cursor.error(
                    "cannot be read inside state(..); write it as in state(joy=1, valence=0.5, intensity=0.6)"
                )
            lowest = -1.0 if name in _VAD_FIELDS else 0.0
            figures[name] = self.cursor.number(lowest=lowest, highest=1.0, what=name)
            if self.cursor.take(")"):
                break
            if not self.cursor.take(","):
                raise self.cursor.error("stands where a , or ) is expected")
        mix = np.array([figures.get(name, 0.0) for name in EMOTIONS])
        covert = np.array([figures.get(f"hidden {name}", 0.0) for name in EMOTIONS])
        if abs(mix.sum() - 1.0) > 1e-3 or covert.sum() > 1.001:
            raise self.cursor.error(
                "ends a state whose emotions do not sum to 1, or whose hidden ones sum to more than 1"
            )
        return State(
            mix=mix,
            intensity=figures.get("intensity", 1.0),
            vad=np.array([figures.get(name, 0.0) for name in _VAD_FIELDS]),
            covert=covert,
            leak=figures.get("leak", 0.0),
        )


_VAD_FIELDS = ("valence", "arousal", "dominance")
