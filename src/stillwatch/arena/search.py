"""Search for the operator that gets most through: random first, then guided by what was found (a Parzen estimator).

The search itself is optuna's (extra ``arena``); this file says what may be varied. It is a lower bound: a cleverer
operator than this space holds may get more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec

from stillwatch.arena.conduct import Aspect, Reactions
from stillwatch.arena.operator import Budget, Harvest, Operator, Value
from stillwatch.arena.yields import Outcome
from stillwatch.errors import ConfigError

Play = Callable[[Operator], Outcome]
Progress = Callable[[int, int], None]
ROTATIONS: dict[str, tuple[Aspect, ...]] = {
    "nothing": (),
    "addresses": ("addresses",),
    "infrastructure": ("addresses", "clients", "parameters"),
    "wording": ("templates",),
    "identity": ("payment", "email"),
    "all": ("addresses", "clients", "payment", "email", "parameters", "templates"),
}
# axes of the composer that an operator chooses at the start; the others are drawn by the seed
CHOICES: dict[str, tuple[str, ...]] = {
    "infrastructure": ("private_pool", "residential", "hosting_pool", "vpn", "mixture", "ordinary"),
    "payment": ("few_cards", "own", "virtual", "none"),
    "email": ("shape", "catchall", "freemail"),
    "wrapper": ("verbatim", "several", "per_account", "per_request", "bare", "system"),
    "allocation": ("partition", "levelled", "resample"),
    "timing": ("flat", "office", "synchronised", "human", "slow"),
    "clients": ("one", "few", "own"),
    "life": ("whole", "staggered", "short"),
}


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One operator of a search, the share of the harvest it got, and what it spent on it."""

    harvested: float
    spent: float
    operator: Operator


def search(start: Operator, count: int, seed: int, play: Play, progress: Progress | None = None) -> list[Tried]:
    """``count`` operators with ``start``'s list and budget, those that got most first. Deterministic by ``seed``.

    Of two that got the same, the one that spent less comes first: a defender should fear it more. A third is drawn at
    random, the rest where what was found promises most. Raises ConfigError without the extra.
    """
    optuna = _optuna()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(2, count // 3))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    tried: list[Tried] = []
    for number in range(count):
        trial = study.ask()
        operator = _drawn(trial, start, number)
        found = play(operator)
        # many get everything: a tenth of the weight on money keeps the search moving among them
        study.tell(trial, found.harvested - 0.1 * found.spent / max(1.0, start.budget.money))
        tried.append(Tried(harvested=found.harvested, spent=found.spent, operator=operator))
        if progress is not None:
            progress(number + 1, count)
    return sorted(tried, key=lambda item: (-item.harvested, item.spent))


def _optuna() -> Any:
    try:
        import optuna  # noqa: PLC0415 - an extra: only a search needs it
    except ImportError as error:
        hint = "pip install 'stillwatch[arena]'"
        raise ConfigError("searching needs optuna, which is not installed", where="--search", hint=hint) from error
    return optuna


def _drawn(trial: Any, start: Operator, number: int) -> Operator:
    axes: dict[str, Value] = {
        axis: cast("str", trial.suggest_categorical(axis, list(options))) for axis, options in CHOICES.items()
    }
    stock = trial.suggest_categorical("stock", ["fresh", "aged"])
    axes["born"] = "aged" if stock == "aged" else "spread"
    axes["blend"] = trial.suggest_float("blend", 0.0, 0.8)
    reactions = Reactions(
        replace=trial.suggest_float("replace", 0.0, 1.5),
        replace_lag_h=trial.suggest_float("replace_lag_h", 2.0, 72.0, log=True),
        stock=stock,
        resume=True,
        stretch=trial.suggest_float("stretch", 1.0, 3.0),
        rotate=ROTATIONS[trial.suggest_categorical("rotate", list(ROTATIONS))],
        cells=trial.suggest_categorical("cells", [1, 4, 12]),
        slow=trial.suggest_float("slow", 0.6, 1.0),
        blend=trial.suggest_float("blend_after", 0.0, 0.8),
        paraphrase=trial.suggest_categorical("paraphrase", [False, True]),
        pass_challenge=trial.suggest_float("pass_challenge", 0.0, 0.7),
        sleep=trial.suggest_categorical("sleep", ["never", "hours", "release"]),
        sleep_h=trial.suggest_float("sleep_h", 12.0, 96.0),
    )
    plan = start.harvest
    wanted = Harvest(
        exchanges=plan.exchanges, accounts=plan.accounts, tactic=plan.tactic, axes=axes, stock=stock, one_domain=False
    )
    return Operator(
        name=f"found_{number + 1}",
        says=f"found by search from {start.name}",
        harvest=wanted,
        budget=Budget(accounts=start.budget.accounts, money=start.budget.money),
        prices=start.prices,
        reactions=reactions,
    )
