"""Decisions against a plain dictionary: whatever is added, approved, undone and purged, both say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from written_values import decision, later

from stillwatch.model import Decision
from stillwatch.store import open_store

HOURS = st.integers(0, 30)
FEW = settings(
    max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


def machine(address: str) -> type[RuleBasedStateMachine]:  # noqa: C901 - one class, made for an address
    """Every run forgets what the one before wrote: the store is purged, and the model starts empty."""

    class Machine(RuleBasedStateMachine):
        names = Bundle("names")

        def __init__(self) -> None:
            super().__init__()
            self.store, self.model = open_store(address, migrate=False), dict[str, Decision]()
            self.store.purge("decisions", later(10_000))
            self.version, self.changed = self.store.decision_version(), False

        def teardown(self) -> None:
            self.store.close()

        @rule(
            target=names,
            numbers=st.lists(st.integers(0, 9), max_size=4),
            held=st.booleans(),
            hours=HOURS,
            campaign=st.sampled_from([None, "c1", "c2"]),
        )
        def add(self, numbers: list[int], *, held: bool, hours: int, campaign: str | None) -> Any:
            made = [
                decision(f"d{n}", held=held, expires_at=later(hours), campaign_id=campaign, account_id=f"{n}-{hours}")
                for n in numbers
            ]
            new = {d.decision_id: d for d in reversed(made) if d.decision_id not in self.model}
            self._told(self.store.add_decisions(made), new)
            return multiple(*(d.decision_id for d in made))

        @rule(ids=st.lists(names, max_size=4), hours=HOURS)
        def undo(self, ids: list[str], hours: int) -> None:
            told = {"undone_at": later(hours), "undone_by": "ann", "undone_because": "why"}
            new = {name: self._now(name, **told) for name in ids if self._has(name, undone_at=None)}
            self._told(self.store.undo_decisions(ids, later(hours), "ann", "why"), new)

        @rule(ids=st.lists(names, max_size=4))
        def approve(self, ids: list[str]) -> None:
            new = {name: self._now(name, held=False) for name in ids if self._has(name, undone_at=None, held=True)}
            self._told(self.store.approve_decisions(ids, later(0), "bob"), new)

        @rule(hours=HOURS)
        def purge(self, hours: int) -> None:
            ended = {n: min(d.expires_at, d.undone_at or d.expires_at) for n, d in self.model.items()}
            gone = {name for name, at in ended.items() if at < later(hours)}
            assert self.store.purge("decisions", later(hours)) == len(gone)
            self.model = {name: d for name, d in self.model.items() if name not in gone}
            self.changed = bool(gone)

        @rule(hours=HOURS, campaign=st.sampled_from([None, "c1"]))
        def ask(self, hours: int, campaign: str | None) -> None:
            live = [d for d in self._ordered() if d.undone_at is None and d.expires_at > later(hours)]
            told = self.store.decisions(live_at=later(hours), campaign_id=campaign)
            assert told == [d for d in live if campaign in {None, d.campaign_id}]

        @invariant()
        def both_say_the_same(self) -> None:
            assert self.store.decisions() == self._ordered()

        @invariant()
        def the_version_grew_if_something_changed(self) -> None:
            version = self.store.decision_version()
            assert (version > self.version) == self.changed
            self.version, self.changed = version, False

        def _told(self, count: int, new: dict[str, Decision]) -> None:
            assert count == len(new)
            self.model |= new
            self.changed = bool(new)

        def _has(self, name: str, **values: object) -> bool:
            known = self.model.get(name)
            return known is not None and all(getattr(known, field) == value for field, value in values.items())

        def _now(self, name: str, **changes: object) -> Decision:
            return msgspec.structs.replace(self.model[name], **changes)

        def _ordered(self) -> list[Decision]:
            return sorted(self.model.values(), key=lambda d: (d.made_at, d.decision_id))

    return Machine


def test_decisions_in_a_store_are_those_of_a_dictionary(address: str) -> None:
    run_state_machine_as_test(machine(address), settings=FEW)


@pytest.mark.slow
def test_decisions_in_a_store_are_those_of_a_dictionary_for_long(tmp_path: Path) -> None:
    open_store(tmp_path / "store.db").close()
    many = settings(FEW, max_examples=200, stateful_step_count=40)
    run_state_machine_as_test(machine(f"sqlite:///{tmp_path / 'store.db'}"), settings=many)
