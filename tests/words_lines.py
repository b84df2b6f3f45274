"""Lines that the reader of words is held to, written before it was: what each must be read as.

`one of` are words of the eight emotions or of the 28 fine ones: the strongest of its kind must be among them. `+` and
`-` ask for the sign of valence, `!` for irony. `plain` lines of the same shape must not be taken for irony.
"""

LINES = (
    # As they come
    ("I'm so sorry for your loss.", "sadness"),
    ("You lied to me!", "anger sadness -"),
    ("We won! I can't believe it!", "joy surprise +"),
    ("The train leaves at nine.", "neutral"),
    ("What is that noise? I'm scared.", "fear"),
    ("How dare you speak to me like that!", "anger -"),
    ("This food is disgusting.", "disgust -"),
    ("You are pathetic.", "contempt disgust anger -"),
    # Denied
    ("I'm not happy about this.", "sadness anger contempt -"),
    ("I don't hate it.", "neutral joy"),
    ("That's not bad at all.", "joy +"),
    ("I can't wait to see you!", "joy +"),
    ("I'm not afraid of you.", "neutral joy anger contempt"),
    ("I couldn't be happier.", "joy +"),
    ("There is nothing to worry about.", "neutral joy"),
    ("Nobody loves me.", "sadness -"),
    # Sayings
    ("He kicked the bucket last night.", "sadness"),
    ("I'm over the moon!", "joy +"),
    ("You scared the living daylights out of me!", "fear surprise"),
    ("It really gets on my nerves.", "anger -"),
    ("My heart is broken.", "sadness -"),
    ("It makes me want to throw up.", "disgust -"),
    ("I nearly jumped out of my skin.", "fear surprise"),
    # Rare feelings
    ("Oh my god, I'm so embarrassed.", "embarrassment"),
    ("Phew, that was close.", "relief"),
    ("I did it! I'm so proud of myself.", "pride"),
    ("I'm so nervous about the exam tomorrow.", "nervousness"),
    ("She died last spring, and I miss her every day.", "grief sadness"),
    ("I regret everything I said.", "remorse"),
    ("Wow, I did not see that coming.", "surprise"),
    # Said with a straight face
    ("Oh great, another meeting.", "!"),
    ("Yeah, right. Like you would ever help.", "!"),
    ("Thanks a lot, genius.", "!"),
    ("Well, isn't that just wonderful.", "!"),
    ("Oh great, we made it!", "plain joy +"),
    # Five languages
    ("Ich habe Angst.", "fear"),
    ("C'est magnifique !", "joy +"),
    ("¡Qué asco!", "disgust -"),
    ("Mi manchi tanto.", "sadness"),
    ("Я тебя ненавижу!", "anger disgust -"),
)
