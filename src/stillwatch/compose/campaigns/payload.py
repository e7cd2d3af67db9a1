"""What a campaign asks: the list, how each item is dressed, and which account asks what."""

from __future__ import annotations

from dataclasses import dataclass

from stillwatch.compose.campaigns.plan import Plan
from stillwatch.compose.dice import Dice
from stillwatch.compose.text import words
from stillwatch.compose.text.book import MAX_CHARS, Book
from stillwatch.compose.text.wrappers import FOREIGN_DEMANDS, Dress, dress, place

TASK = {
    "reasoning": "reason",
    "rubric_grading": "grade",
    "coding": "code",
    "agentic_coding": "agent",
    "tool_use": "tool",
    "orchestration": "long",
    "data_analysis": "analysis",
    "vision": "vision",
    "computer_use": "agent",
    "policy_rewriting": "rewrite",
    "instruction_following": "chat",
    "other": "chat",
}
_ASK_ON = (
    "Now a harder variant of the same task, solved the same way.",
    "Give a second, different solution.",
    "Check the result and correct it if needed.",
    "Explain the step you are least sure about.",
    "Rewrite the answer for a beginner.",
    "Continue.",
)


@dataclass(frozen=True, slots=True)
class Job:
    """One item to be asked: its turns, and what travels with them."""

    turns: tuple[str, ...]
    system: str | None
    tools: tuple[str, ...] | None
    capability: str
    images: int = 0

    @property
    def task(self) -> str:
        return TASK[self.capability]


class Payload:
    """The wrappers a campaign uses, drawn once. ``jobs`` makes the list; ``deal`` hands it out."""

    def __init__(self, book: Book, dice: Dice, plan: Plan) -> None:
        self._book, self._dice, self._plan = book, dice, plan
        self._languages = self._spoken()
        self._place = None if dice.chance(0.2) else "system" if plan.wrapper == "system" else place(dice)
        count = {"verbatim": 1, "several": dice.whole(3, 8)}.get(plan.wrapper, 1)
        self._dresses = {capability: [self._dress(capability) for _ in range(count)] for capability in plan.mix}
        self._personal: dict[tuple[int, str], Dress] = {}
        self._system = book.persona(dice) if dice.chance(0.2) else None
        self._tools = {
            "computer_use": words.SCREEN_TOOLS,
            "agentic_coding": words.AGENT_TOOLS if dice.chance(0.6) else tuple(dice.sample(words.TOOLS, 5)),
        }

    def _spoken(self) -> list[str]:
        if self._plan.language == "other":
            return [self._dice.pick(tuple(FOREIGN_DEMANDS))]
        return ["en", *self._dice.sample(tuple(FOREIGN_DEMANDS), 4)] if self._plan.language == "several" else ["en"]

    def _dress(self, capability: str, *, loose: bool = False) -> Dress:
        plan, dice = self._plan, self._dice
        drawn = dress(
            dice,
            capability,
            bank=plan.bank,
            trace=plan.trace,
            language=dice.pick(self._languages),
            loose=loose,
            position=self._place,
        )
        if plan.wrapper == "system" and drawn.system is None:
            return Dress(system=" ".join(part for part in (drawn.before, drawn.after) if part))
        return drawn

    def _worn(self, account: int, capability: str) -> Dress:
        plan, dice = self._plan, self._dice
        if plan.wrapper == "bare":
            return Dress()
        if plan.wrapper == "per_request":
            return self._dress(capability, loose=True)
        if plan.wrapper == "per_account":
            key = (account, capability)
            if key not in self._personal:
                self._personal[key] = self._dress(capability, loose=True)
            return self._personal[key]
        return dice.pick(self._dresses[capability])

    def jobs(self, count: int) -> list[tuple[str, str]]:
        """``count`` calls' worth of distinct items as (capability, text), in an order of the operator's liking."""
        per_item = max(1.0, (self._plan.turns[0] + self._plan.turns[1]) / 2)
        if self._plan.allocation == "resample":
            per_item *= self._plan.draws
        found: list[tuple[str, str]] = []
        for capability, share in self._plan.mix.items():
            wanted = max(1, round(count * share / per_item))
            while wanted > 0:
                _, items = self._book.items(self._dice, capability, wanted, harvest=True)
                found += [(capability, item) for item in items]
                wanted -= max(1, len(items))
        return self._dice.shuffled(found) if self._dice.chance(0.6) else found

    def deal(self, items: list[tuple[str, str]], accounts: int, quotas: list[int]) -> list[list[tuple[str, str]]]:
        """Items per account. A partition never overlaps; a resampling asks every item ``draws`` times."""
        plan, dice = self._plan, self._dice
        if plan.allocation == "resample":
            items = [item for item in items for _ in range(plan.draws)] if dice.chance(0.5) else items * plan.draws
        if plan.allocation == "levelled":
            return [items[start::accounts] for start in range(accounts)]
        if plan.allocation == "shuffled_blocks":
            items = dice.shuffled(items)
        total, dealt, start = sum(quotas), [], 0.0
        for quota in quotas:
            stop = start + len(items) * quota / total
            dealt.append(items[int(start) : int(stop)])
            start = stop
        return dealt

    def job(self, account: int, capability: str, item: str) -> Job:
        """Dress one item and give it the turns that follow."""
        plan, dice = self._plan, self._dice
        worn = self._worn(account, capability)
        length = dice.whole(*plan.turns) if capability not in ("rubric_grading", "policy_rewriting") else 1
        turns = [worn.put_on(item)[:MAX_CHARS]]
        if length > 1:
            acting = capability in ("agentic_coding", "tool_use", "computer_use", "orchestration")
            turns += self._book.steps(dice, length - 1) if acting else [dice.pick(_ASK_ON) for _ in range(length - 1)]
        tools = self._tools.get(capability)
        if capability == "tool_use":
            tools = tuple(dice.sample(words.TOOLS, dice.whole(2, 6)))
        images = 1 if capability in ("vision", "computer_use") else 0
        return Job(tuple(turns), worn.system or self._system, tools, capability, images)
