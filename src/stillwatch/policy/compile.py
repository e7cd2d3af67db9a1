"""From the text of a policy to what is decided by: every error at once, each with file and key.

Errors refuse the policy. Warnings come back beside it: rules that never win, thresholds that look swapped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from stillwatch.authored import Problem, parse, problems, read, refuse
from stillwatch.errors import ConfigError
from stillwatch.policy.contradictions import contradictions, doubts
from stillwatch.policy.rules import Defaults, Policy, Rule, Written, WrittenRule, digest_of

SHIPPED = Path(__file__).parent / "shipped"


def check_policy(text: str, file: str = "policy") -> list[Problem]:
    """Every error of a policy, in the order of the file; empty for one that compiles. Raises ConfigError if not TOML.

    What contradicts what is looked for only where every value by itself is one.
    """
    raw = parse(text, file)
    found = problems(raw, Written, file)
    return found or [
        Problem(file=file, key=key, says=says) for key, says in contradictions(msgspec.convert(raw, Written))
    ]


def compile_policy(text: str, file: str = "policy") -> tuple[Policy, tuple[Problem, ...]]:
    """The policy of a TOML text and what is doubtful about it. Raises ConfigError naming every error at once."""
    refuse(check_policy(text, file), file)
    written = msgspec.convert(parse(text, file), Written)
    policy = Policy(
        version=written.version,
        description=written.description.strip(),
        slack=written.slack,
        cap=written.cap,
        disarm=written.disarm,
        protected=written.protected,
        rules=tuple(filled(rule, written.defaults) for rule in written.rules),
    )
    policy = msgspec.structs.replace(policy, digest=digest_of(policy))
    return policy, tuple(Problem(file=file, key=key, says=says) for key, says in doubts(policy))


def load_policy(name: str) -> tuple[Policy, tuple[Problem, ...]]:
    """A policy by the name of a shipped one or by its file, and what is doubtful about it. Raises ConfigError."""
    path = shipped().get(name) or Path(name)
    if not path.is_file():
        raise ConfigError("no such policy", where=name, hint=f"a TOML file, or one of {', '.join(shipped())}")
    return compile_policy(read(path), str(path))


def policy_text(name: str) -> str:
    """The TOML of a shipped policy or of a file. Raises ConfigError where there is neither."""
    path = shipped().get(name) or Path(name)
    if not path.is_file():
        raise ConfigError("no such policy", where=name, hint=f"a TOML file, or one of {', '.join(shipped())}")
    return read(path)


def shipped() -> dict[str, Path]:
    """The policies that come with the package, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def filled(rule: WrittenRule, defaults: Defaults) -> Rule:
    """The rule with everything it leaves open taken from the defaults."""
    values: dict[str, Any] = {"value": rule.throttle_per_h}
    for name in set(rule.__struct_fields__) & set(Rule.__struct_fields__):
        said = getattr(rule, name)
        values[name] = getattr(defaults, name) if said is None and hasattr(defaults, name) else said
    return Rule(**values)
