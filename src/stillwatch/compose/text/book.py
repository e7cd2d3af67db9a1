"""Where prompts come from: the grammar alone, or the corpus mixed with it. One interface for both.

The book knows sources by name; it does not know which side asks for them.
"""

from __future__ import annotations

from stillwatch.compose.dice import Dice
from stillwatch.compose.text import lists, wrappers
from stillwatch.compose.text.grammar import Voice
from stillwatch.compose.text.words import FILES, SYMBOLS

MAX_CHARS = 6_000


class Book:
    """``chat`` for people, ``items`` for task lists, ``batch`` for labelling, ``steps`` for agents' tool results."""

    def __init__(self, only: tuple[str, ...] = (), held_out: tuple[str, ...] = ()) -> None:
        self.only, self.held_out = only, held_out

    def chat(self, dice: Dice, voice: Voice, turns: int) -> list[str]:
        code = dice.chance(voice.coder)
        return [voice.opening(dice)] + [voice.next(dice, code=code) for _ in range(turns - 1)]

    def items(self, dice: Dice, capability: str, count: int, *, harvest: bool = False) -> tuple[str, list[str]]:  # noqa: ARG002
        """A list of distinct bare tasks and where it came from; ``harvest`` obeys the suite's choice of sources."""
        templates = lists.recipe(dice, capability)
        found: dict[str, None] = {}
        for _ in range(count * 3):
            if len(found) >= count:
                break
            found[lists.item(dice, templates)] = None
        return "grammar", list(found)

    def batch(self, dice: Dice, count: int) -> list[str]:
        return lists.labelling(dice, count)

    def persona(self, dice: Dice) -> str:
        """A system prompt as applications carry."""
        return wrappers.persona(dice)

    def steps(self, dice: Dice, count: int) -> list[str]:
        """Tool results an agent feeds back, one per turn."""
        out = []
        for _ in range(count):
            file, symbol = dice.pick(FILES), dice.pick(SYMBOLS)
            out.append(
                dice.pick(
                    (
                        f"{file}.py: {dice.whole(1, 400)}: def {symbol}():\n  return rows[{dice.whole(0, 99)}]",
                        f"exit code {dice.whole(0, 1)}\n{dice.whole(1, 60)} passed, {dice.whole(0, 5)} failed",
                        f"Edited {file} ({dice.whole(1, 80)} lines)",
                        f"grep {symbol}\n{file}:{dice.whole(1, 900)}\n{dice.pick(FILES)}:{dice.whole(1, 900)}",
                        "(no output)",
                        f"Error: cannot import name '{symbol}' from '{file}'",
                    )
                )
            )
        return out
