"""Operators: what one is after, what it may spend, and what it does about enforcement. Each is a file.

A TOML file holds the fields of ``Operator``; a Python file defines ``OPERATOR`` and may define ``react`` to decide for
itself (see ``conduct``). Prices are assumptions of the order of what is publicly asked for such things, in a unit of
about a dollar; what matters is their ratio to the budget.
"""

from __future__ import annotations

import difflib
import runpy
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

import msgspec

from stillwatch.arena.conduct import Decide, Reactions, react
from stillwatch.compose.campaigns.plan import AXES
from stillwatch.compose.campaigns.registry import BY_NAME
from stillwatch.errors import ConfigError

SHIPPED = Path(__file__).parent / "operators"
Value = str | float


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What things cost the operator. ``address`` and ``card`` are per account they are changed on."""

    fresh_account: float = 3.0
    aged_account: float = 10.0
    address: float = 0.5
    card: float = 2.0
    domain: float = 12.0
    challenge: float = 4.0
    exchange: float = 0.01


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``accounts``: most accounts alive at once. ``money``: all it may ever spend."""

    accounts: int
    money: float


class Harvest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plan: a list of about ``exchanges`` calls, asked by ``accounts`` accounts in the manner of ``tactic``.

    ``axes`` fixes axes of the composer's campaigns (``compose.campaigns.plan.AXES``); the others are drawn by the seed.
    ``stock``: accounts opened for the purpose or bought aged. ``one_domain``: every address under one bought domain.
    """

    exchanges: int
    accounts: int
    tactic: str = "reasoning_sweep"
    axes: Mapping[str, Value] = {}
    stock: Literal["fresh", "aged"] = "fresh"
    one_domain: bool = False


class Operator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    says: str
    harvest: Harvest
    budget: Budget
    prices: Prices = Prices()
    reactions: Reactions = Reactions()


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """An operator and how it decides."""

    operator: Operator
    decide: Decide = react


def shipped() -> dict[str, Path]:
    """Name -> file of every operator that comes with the package."""
    return {path.stem: path for path in sorted(SHIPPED.iterdir()) if path.suffix in {".toml", ".py"}}


def load_operator(name: str) -> Cast:
    """An operator by the name of a shipped one or by its file. Raises ConfigError naming file and key."""
    known = shipped()
    path = known.get(name) or Path(name)
    if path.suffix not in {".toml", ".py"}:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"a .toml or .py file, or one of {', '.join(known)}"
        raise ConfigError(f"no operator named {name!r}", where="--operator", hint=hint)
    if not path.is_file():
        raise ConfigError("no such file", where=str(path), hint=f"a file, or one of {', '.join(known)}")
    found = _from_python(path) if path.suffix == ".py" else Cast(operator=_from_toml(path))
    check(found.operator, str(path))
    return found


def _from_toml(path: Path) -> Operator:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", where=str(path)) from error
    try:
        return msgspec.convert(raw, Operator)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), where=str(path)) from error


def _from_python(path: Path) -> Cast:
    """Runs the file: as trusted as any other code its reader starts."""
    found = runpy.run_path(str(path))
    operator = found.get("OPERATOR")
    if not isinstance(operator, Operator):
        raise ConfigError("defines no OPERATOR", where=str(path), hint="OPERATOR = Operator(...)")
    return Cast(operator=operator, decide=cast("Decide", found.get("react", react)))


def check(operator: Operator, where: str) -> None:
    """All that is wrong with an operator's values, in one ConfigError."""
    plan, budget, then = operator.harvest, operator.budget, operator.reactions
    problems = [f"harvest.tactic: no tactic named {plan.tactic!r}"] if plan.tactic not in BY_NAME else []
    problems += [f"harvest.axes: unknown axis {axis!r}" for axis in plan.axes if axis not in AXES]
    rules = {
        "harvest.accounts must be at least 1": plan.accounts >= 1,
        "harvest.exchanges must be at least one for each account": plan.exchanges >= plan.accounts,
        "budget.accounts must cover harvest.accounts": budget.accounts >= plan.accounts,
        "budget.money must not be negative": budget.money >= 0,
        "prices must not be negative": min(msgspec.structs.astuple(operator.prices)) >= 0,
        "reactions.replace must lie within 0..3": 0 <= then.replace <= 3,
        "reactions.pass_challenge must lie within 0..1": 0 <= then.pass_challenge <= 1,
        "reactions.slow must lie within 0.1..1": 0.1 <= then.slow <= 1,
        "reactions.blend must lie within 0..0.9": 0 <= then.blend <= 0.9,
        "reactions.cells must be at least 1": then.cells >= 1,
        "reactions.stretch must be at least 1": then.stretch >= 1,
        "reactions: lags and sleep must not be negative": min(then.replace_lag_h, then.sleep_h) >= 0,
    }
    problems += [says for says, holds in rules.items() if not holds]
    if problems:
        raise ConfigError("; ".join(problems), where=where)


def as_toml(operator: Operator) -> str:
    """The operator as a file that ``load_operator`` reads back. Only what differs from the defaults is written."""
    raw = cast("dict[str, object]", msgspec.to_builtins(operator))
    lines = [f"{key} = {_literal(value)}" for key, value in raw.items() if not isinstance(value, dict)]
    defaults = {"prices": Prices(), "reactions": Reactions()}
    for table, values in raw.items():
        if not isinstance(values, dict):
            continue
        usual = msgspec.to_builtins(defaults[table]) if table in defaults else {}
        plain = {k: v for k, v in values.items() if not isinstance(v, dict) and usual.get(k) != v}
        nested = {k: v for k, v in values.items() if isinstance(v, dict) and v}
        if plain:
            lines += ["", f"[{table}]", *(f"{key} = {_literal(value)}" for key, value in plain.items())]
        for name, inner in nested.items():
            lines += ["", f"[{table}.{name}]", *(f"{key} = {_literal(value)}" for key, value in inner.items())]
    return "\n".join(lines) + "\n"


def _literal(value: object) -> str:
    # TOML's strings, numbers, booleans and arrays are JSON's, except that it has no null
    return msgspec.json.encode(value).decode()
