"""What every material does with light, once: functions of scalars, run on numbers, columns of numbers or symbols.

`docs/shading.md` says how engines get them: a symbol's arithmetic is written down and printed (`tools.write_shaders`);
numpy and torch columns are simply computed. The numbers are in `look/{reflection, colour, eyes, teeth, cloth,
hair_reflection, tone}.py`, read when a function runs.
"""
