"""What the model answers: one process for everybody, by kind of task and length, never by source or side."""

from __future__ import annotations

import numpy as np

from stillwatch.compose.dice import Dice
from stillwatch.compose.text.grammar import SNIPPETS, fill

# median tokens, spread of the logarithm
LENGTHS: dict[str, tuple[float, float]] = {
    "chat": (210, 0.9), "code": (330, 0.9), "reason": (330, 0.75), "grade": (150, 0.9), "label": (14, 0.9), "rewrite": (140, 0.8),
    "agent": (110, 1.0), "tool": (70, 0.8), "analysis": (290, 0.8), "vision": (170, 0.8), "follow": (200, 0.9), "long": (800, 0.7),
}  # fmt: skip
_SENTENCES = {
    "chat": ("Here is one way to look at {topic}.", "Start with {topic2} and keep it simple.", "{name}'s point about {topic} is fair, with limits.", "In {place} the rules differ a little.",
             "- First, note the {n} things that matter.", "- Then compare {topic} with {topic2}.", "It depends on how much time you have.", "A rough figure would be {big}.", "You could also ask {role}."),
    "code": ("The function can {op} the {thing} {constraint}.", "```{code}\n{snippet}\n```", "Note that {symbol} returns early for an empty {thing}.", "Add a test in {file}.", "Complexity is linear in the {thing}."),
    "reason": ("Step {n}: we have {n2} {goods}.", "So {n} times {n} leaves {n2}.", "Therefore the statement about {topic} holds.", "Let x be the number of {goods}.", "Checking: {n2} minus {n} is consistent.", "The answer is {n2}."),
    "grade": ("Score: {n}.", "The response covers {topic} but misses {topic2}.", "Accuracy {n}/10, clarity {n}/10.", "It could be clearer for {role}.", '{{"score": {n}, "reason": "partial"}}'),
    "label": ("positive", "negative", "billing", "SAFE", "yes", "no", "{n}", "mixed", '{{"product": "{product}"}}'),
    "tool": ("Calling {tool} for {place}.", "{tool} returned {n} rows.", "Done: {name} has been notified.", "Next I will use {tool}."),
    "vision": ("The image shows {scene}.", "On the left there are {n} {goods}.", "In the background one can see {scene}.", "The text reads {n2}."),
}  # fmt: skip
_BANK = {"rewrite": "chat", "follow": "chat", "long": "chat", "agent": "tool", "analysis": "reason"}
_POOL_CHARS = 120_000
CHARS_PER_TOKEN = 4.2
CUT_CHARS = 1_600


class Replies:
    """Pools of sentences by kind; a reply is a stretch of one, so equal replies are as rare as between strangers."""

    def __init__(self, dice: Dice) -> None:
        stream = dice.child("replies")
        self._pools = {bank: self._pool(stream, bank) for bank in _SENTENCES}

    @staticmethod
    def _pool(dice: Dice, bank: str) -> tuple[str, np.ndarray]:
        parts: list[str] = []
        size = 0
        while size < _POOL_CHARS:
            parts.append(
                fill(
                    dice,
                    dice.pick((*_SENTENCES[bank], *SNIPPETS[:1])) if bank == "code" else dice.pick(_SENTENCES[bank]),
                )
            )
            size += len(parts[-1]) + 1
        starts = np.cumsum([0] + [len(part) + 1 for part in parts[:-1]])
        return " ".join(parts), starts[starts < _POOL_CHARS - 4_000]

    def text(self, task: str, tokens: int, draw: float) -> str:
        """About ``tokens`` of text of that kind, cut at ``CUT_CHARS``; ``draw`` in [0, 1) picks the place."""
        pool, starts = self._pools[_BANK.get(task, task)]
        start = int(starts[int(draw * len(starts))])
        return pool[start : start + min(CUT_CHARS, max(1, int(tokens * CHARS_PER_TOKEN)))]
