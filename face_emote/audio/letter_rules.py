"""How languages with a regular spelling are read: rules by hand, in the nearest phones of English.

What counts is what the lips do and what the phone net, which knows English sounds, makes of them.
"""

import re
import unicodedata
from functools import lru_cache

RULES = {
    "de": """
        tsch CH | s(?=sch) S | sch SH | ^st SH T | ^sp SH P | chs K S | (?<=[aouå])ch HH | ch HH | ck K | ph F
        th T | qu K V | tz T S | z T S | ß S | ss S | ng NG | nk NG K | pf P F | dt T | ei AY | ai AY | ey AY
        ay AY | eu OY | äu OY | au AW | ie(?!$|n$) IY | ie IY | ee EY | aa AA | oo OW | ah AA | äh EH | eh EY
        ih IY | oh OW | öh ER | uh UW | üh UW | er$ AH | e$ AH | en$ AH N | el$ AH L | es$ AH S | em$ AH M | b$ P
        d$ T | g$ K | ig$ IH HH | (?<=[aeiouäöü])s(?=[aeiouäöü]) Z | ^s(?=[aeiouäöü]) Z | s S | v F | w V | j Y
        y UW | x K S | c K | h HH | a(?=[^aeiouäöü]{2}) AH | a AA | e(?=[^aeiouäöü]{2}) EH | e EH
        i(?=[^aeiouäöü]) IH | i IY | o(?=[^aeiouäöü]{2}) AO | o OW | u(?=[^aeiouäöü]{2}) UH | u UW | ä EH | ö ER
        ü UW""",
    "es": """
        ch CH | ll Y | rr R | qu K | gu(?=[eéií]) G | gü G W | g(?=[eéií]) HH | c(?=[eéií]) S | z S | j HH | ñ N Y
        h _ | x K S | v B | y$ IY | ^y$ IY | y Y | w W | i(?=[aáeéoóu]) Y | u(?=[aáeéií]) W | ü W | c K | á AA
        a AA | é EH | e EH | í IY | i IY | ó AO | o AO | ú UW | u UW""",
    "it": """
        sci(?=[aou]) SH | sc(?=[eèéiì]) SH | gli(?=[aeou]) L Y | gli L Y IY | gn N Y | ch K | gh G | cqu K W
        qu K W | cci(?=[aou]) CH | cc(?=[eèéiì]) CH | ggi(?=[aou]) JH | gg(?=[eèéiì]) JH | ci(?=[aou]) CH
        c(?=[eèéiì]) CH | gi(?=[aou]) JH | g(?=[eèéiì]) JH | zz T S | z T S | h _ | i(?=[aeou]) Y | u(?=[aeiou]) W
        (?<=[aeiou])s(?=[aeiou]) Z | j Y | x K S | y IY | w V | c K | [aà] AA | [eèé] EH | [iìí] IY | [oòó] AO
        [uùú] UW""",
    "pt": """
        ch SH | lh L Y | nh N Y | rr HH | ^r HH | qu(?=[eéêií]) K | qu K W | gu(?=[eéêií]) G | g(?=[eéêií]) ZH
        c(?=[eéêií]) S | ç S | ss S | (?<=[aeiouáéíóúâêôãõ])s(?=[aeiouáéíóúâêôãõ]) Z | s$ SH | x SH | z$ SH | j ZH
        h _ | ão AW N | ãe AY N | õe OY N | am$ AW N | em$ EY N | ens$ EY N SH | im$ IY N | om$ AO N | um$ UW N
        ei EY | ou OW | ai AY | au AW | oi OY | eu EH W | l$ W | l(?=[^aeiouáéíóúâêôãõhl]) W | ti$ CH IY | e$ IY
        es$ IY SH | o$ UW | os$ UW SH | c K | [aáàâ] AA | ã AH N | [eéê] EH | [ií] IY | [oóô] AO | õ AO N | [uúü] UW
        y IY | w W""",
    "fr": """
        eaux?$ OW | eau OW | aux?$ OW | au OW | oeu?x?s? ER | œu ER | œ ER | oin W AE N | oi W AA | oy W AA Y
        ou UW | où UW | ch SH | ph F | th T | gn N Y | qu K | gu(?=[eéèêi]) G | ge(?=[aoâ]) ZH | g(?=[eéèêiy]) ZH
        c(?=[eéèêiy]) S | ç S | ill(?=e) IY Y | aill AY | eill EY Y | ail$ AY | eil$ EY Y | ain(?![aeéiouynm]) AE N
        ein(?![aeéiouynm]) AE N | ien$ Y AE N | ai EH | ei EH | an(?![aeéèêiouhynm]) AA N | am(?=[bp]) AA M
        en(?![aeéèêiouhynm]) AA N | em(?=[bp]) AA M | in(?![aeéèêiouhynm]) AE N | im(?=[bp]) AE M
        on(?![aeéèêiouhynm]) AO N | om(?=[bp]) AO M | un(?![aeéèêiouhynm]) AH N | ent$ _ | er$ EY | ez$ EY | et$ EH
        ^les$ L EY | ^des$ D EY | ^est$ EH | ^et$ EY | es$ _ | e$ _ | s$ _ | t$ _ | d$ _ | x$ _ | p$ _ | z$ _
        ts$ _ | ds$ _ | (?<=[aeiouéè])s(?=[aeiouéèy]) Z | ss S | h _ | j ZH | x K S | y IY | w W | é EY | è EH
        ê EH | ë EH | eu ER | e(?=[^aeiouy]{2}|[^aeiouys]$) EH | e AH | i(?=[aeou]) Y | [iîï] IY | u(?=i) W
        [aàâ] AA | [oô] AO | [uùûü] UW | c K""",
    "nl": """
        sch S HH | ch HH | ng NG | nk NG K | sj SH | tj CH | th T | ph F | qu K W | ij AY | ei AY | ui AW | ou AW
        au AW | eeuw EY UW | ieuw IY UW | aai AA Y | ooi OW Y | oei UW Y | eu ER | oe UW | ie IY | ee EY | aa AA
        oo OW | uu UW | en$ AH | e$ AH | er$ AH R | el$ AH L | g HH | v F | w V | j Y | x K S | c(?=[eiy]) S | c K
        b$ P | d$ T | y IY | a AA | e EH | ë AH | i IH | ï IY | o AO | u AH | é EY | h HH""",
    "pl": """
        szcz SH CH | dzi(?=[aąeęioóu]) JH | dzi JH IY | dź JH | dż JH | dz D Z | cz CH | sz SH | rz ZH | ch HH
        ci(?=[aąeęoóu]) CH | ci CH IY | si(?=[aąeęoóu]) SH | si SH IY | zi(?=[aąeęoóu]) ZH | zi ZH IY
        ni(?=[aąeęoóu]) N Y | ć CH | ś SH | ź ZH | ż ZH | ń N Y | ł W | w V | c T S | j Y | h HH | ę$ EH
        ą(?=[bp]) AO M | ę(?=[bp]) EH M | ą AO N | ę EH N | i(?=[aąeęoóu]) Y | b$ P | d$ T | g$ K | z$ S | w$ F
        a AA | e EH | i IY | o AO | ó UW | u UW | y IH | x K S | v V""",
    "fi": """
        nk NG K | ng NG | ä AE | ö ER | å AO | y UW | j Y | v V | w V | h HH | a AA | e EH | i IY | o AO | u UW
        z T S | x K S | c K | q K | š SH | ž ZH""",
    "tr": """
        ç CH | ş SH | c JH | j ZH | ğ(?=[eiöü]) Y | ğ _ | y Y | v V | h HH | a AA | â AA | e EH | ı AH | i IY | î IY
        o AO | ö ER | u UW | ü UW | û UW | w V | x K S | q K""",
    "id": """
        ng NG | ny N Y | sy SH | kh HH | c CH | j JH | y Y | au$ AW | ai$ AY | v F | w W | h HH | a AA | é EY | e AH
        i IY | o AO | u UW | x K S | q K | k$ K""",
}  # fmt: skip
"""By language: regular expressions and phones; the first that fits is read, `_` is silent. Whatever none reads is read
as `PLAIN`; one of two equal consonants is read."""
PLAIN = dict(zip("bdfgklmnpqrstvwxyzh", "B D F G K L M N P K R S T V W S IY Z HH".split(), strict=True))
STRESSED = {"de": 0, "nl": 0, "fi": 0, "pl": -2, "es": -2, "it": -2, "pt": -2, "id": -2, "fr": -1, "tr": -1}
"""Which vowel of a word is stressed."""


def read_by_rule(word: str, language: str) -> tuple[str, ...]:
    """The phones of a word of one of `RULES`."""
    if language == "tr":
        word = word.replace("I", "ı").replace("İ", "i")
    letters = unicodedata.normalize("NFC", word.lower())
    rules, sounds = _compiled(language)
    phones: list[str] = []
    at = 0
    while at < len(letters):
        match = rules.match(letters, at)
        doubled = at > 0 and letters[at] == letters[at - 1] and letters[at] in PLAIN
        if match is not None and match.end() > at and match.lastindex is not None:
            phones += sounds[match.lastindex - 1]
            at = match.end()
            continue
        plain = unicodedata.normalize("NFD", letters[at])[0]
        if not doubled and plain in PLAIN:
            phones.append(PLAIN[plain])
        at += 1
    return tuple(phones)


@lru_cache(maxsize=16)
def _compiled(language: str) -> tuple[re.Pattern[str], list[list[str]]]:
    rows = [rule.split(maxsplit=1) for line in RULES[language].strip().splitlines() for rule in line.split(" | ")]
    pattern = "|".join(f"({spelling})" for spelling, _ in rows)
    return re.compile(pattern), [[] if sound.strip() == "_" else sound.split() for _, sound in rows]
