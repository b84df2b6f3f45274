"""What every language's printer asks of a program: the steps that outputs need, in order."""

from collections.abc import Iterable

from face_emote.look.symbols import Program, Scalar

LEAVES = ("constant", "x", "p", "g")


def needed(program: Program, outputs: Iterable[Scalar]) -> list[int]:
    """Numbers of the steps that some outputs are made of, in order."""
    found, waiting = set(), [output.index for output in outputs]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            operation, operands = program.steps[index]
            waiting += operands if operation not in LEAVES else ()
    return sorted(found)


def inputs_read(program: Program, outputs: Iterable[Scalar]) -> set[tuple[str, int]]:
    """Which numbers of a place (x) and of those that all share (p) the outputs depend on."""
    return {
        (program.steps[index][0], program.steps[index][1][0])
        for index in needed(program, outputs)
        if program.steps[index][0] in ("x", "p")
    }
