"""What an account habitually sends: model, sampling parameters, streaming; and how it follows a release.

Both sides draw from the same menus. A habit is a primary choice with alternates, so that one account rarely shows one
tuple alone.
"""

from __future__ import annotations

import msgspec

from stillwatch.compose.calendar import DAY_S, Calendar
from stillwatch.compose.dice import Dice

OLD_MODELS = ("meridian-large-3", "meridian-small-3", "meridian-nano-2")
NEW_MODELS = ("meridian-large-4", "meridian-small-4")
SUCCESSOR = {"meridian-large-3": "meridian-large-4", "meridian-small-3": "meridian-small-4"}


class Tuple(msgspec.Struct, frozen=True, kw_only=True):
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stream: bool | None = None
    effort: str | None = None


CHAT_APP = Tuple(max_tokens=4096, temperature=1.0, stream=True)
AGENT = Tuple(max_tokens=32_000, temperature=1.0, stream=True, effort="medium")
_MAX = (None, 256, 512, 1000, 1024, 1500, 2000, 2048, 4000, 4096, 8000, 8192, 16_000, 16_384, 32_000, 64_000)
_MAX_WEIGHTS = (14, 4, 7, 6, 14, 2, 6, 9, 5, 16, 4, 12, 3, 4, 2, 1)
_TEMPERATURE = (None, 0.0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_TEMPERATURE_WEIGHTS = (24, 17, 3, 8, 6, 5, 3, 16, 4, 2, 14)
_TOP_P = (None, 1.0, 0.95, 0.9, 0.99)
_EFFORT = (None, "none", "low", "medium", "high", "4096", "8192", "16000")
_EFFORT_WEIGHTS = (62, 4, 8, 10, 8, 3, 3, 2)


def tuple_of(dice: Dice, effort: str | None = None) -> Tuple:
    """Parameters as programmes send them: defaults, round figures, seldom anything odd."""
    return Tuple(
        max_tokens=dice.weighted(_MAX, _MAX_WEIGHTS),
        temperature=dice.weighted(_TEMPERATURE, _TEMPERATURE_WEIGHTS),
        top_p=dice.weighted(_TOP_P, (72, 8, 11, 7, 2)),
        stream=dice.weighted((None, True, False), (30, 38, 32)),
        effort=effort or dice.weighted(_EFFORT, _EFFORT_WEIGHTS),
    )


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """Parameter tuples with weights; ``wobble`` is the chance that a call changes one value of its own accord."""

    tuples: tuple[Tuple, ...]
    weights: tuple[float, ...]
    wobble: float = 0.02

    def draw(self, dice: Dice) -> Tuple:
        chosen = self.tuples[0] if len(self.tuples) == 1 else dice.weighted(self.tuples, self.weights)
        if self.wobble and dice.chance(self.wobble):
            field = dice.whole(0, 2)
            if field == 0:
                return msgspec.structs.replace(chosen, max_tokens=dice.weighted(_MAX, _MAX_WEIGHTS))
            if field == 1:
                return msgspec.structs.replace(chosen, temperature=dice.weighted(_TEMPERATURE, _TEMPERATURE_WEIGHTS))
            return msgspec.structs.replace(chosen, effort=dice.weighted(_EFFORT, _EFFORT_WEIGHTS))
        return chosen


def fixed(one: Tuple) -> Habit:
    """Always the same tuple."""
    return Habit(tuples=(one,), weights=(1.0,), wobble=0.0)


def own(dice: Dice, first: Tuple | None = None) -> Habit:
    """A person's or a programme's habit: one to four tuples, the first used most."""
    count = dice.weighted((1, 2, 3, 4), (38, 32, 20, 10))
    tuples = tuple([first or tuple_of(dice)] + [tuple_of(dice) for _ in range(count - 1)])
    return Habit(
        tuples=tuples,
        weights=tuple(1.0 / (position + 1) ** 1.6 for position in range(count)),
        wobble=dice.weighted((0.0, 0.02, 0.15), (4, 4, 2)),
    )


class ModelHabit(msgspec.Struct, frozen=True, kw_only=True):
    """Models used before anything new, with weights, and when (if ever) the account moves after each release."""

    models: tuple[str, ...]
    weights: tuple[float, ...]
    moves_s: tuple[float, ...]
    share: float = 1.0

    def draw(self, dice: Dice, at_s: float) -> str:
        model = self.models[0] if len(self.models) == 1 else dice.weighted(self.models, self.weights)
        successor = SUCCESSOR.get(model)
        if successor is None:
            return model
        order = NEW_MODELS.index(successor)
        if order < len(self.moves_s) and at_s >= self.moves_s[order] and dice.chance(self.share):
            return successor
        return model


def models(dice: Dice, calendar: Calendar, eager: float = 0.12) -> ModelHabit:
    """An honest account: ``eager`` move on the day of release, half of the rest within weeks, many never."""
    chosen = dice.weighted(
        (OLD_MODELS[:1], OLD_MODELS[1:2], OLD_MODELS[2:], OLD_MODELS[:2], OLD_MODELS), (34, 28, 8, 20, 10)
    )
    moves = []
    for release in calendar.releases:
        if dice.chance(eager):
            moves.append(release + dice.heavy(0.25, 0.8, 0.005, 1.0) * DAY_S)
        elif dice.chance(0.6):
            moves.append(release + dice.heavy(4.0, 1.0) * DAY_S)
        else:
            moves.append(1e12)
    return ModelHabit(
        models=chosen,
        weights=tuple(1.0 / (position + 1) for position in range(len(chosen))),
        moves_s=tuple(moves),
        share=dice.pick((1.0, 1.0, 0.9, 0.5)),
    )
