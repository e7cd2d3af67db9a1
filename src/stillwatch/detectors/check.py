"""The suite that every detector passes: ``check_detector(MyDetector(), scenes)``, in this project or another.

It holds a detector to the seam's promises, on clusters it draws itself from the scenes it is given: the same answer
twice and under other account names, ``None`` where nothing is known, finite figures, words, and examples from the
suspect's own accounts. It does not know whether a detector is any good: that is for labelled worlds to say.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import get_args

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.detectors.protocol import Detector, Measurement
from stillwatch.detectors.suspect import SOURCES, Scene, Suspect, build_scene
from stillwatch.model import Axis
from stillwatch.operators.affinity import Affinity, affinity
from stillwatch.operators.views import build_views
from stillwatch.tables import ACCOUNTS, EXCHANGES
from stillwatch.tally.facts import build_facts
from stillwatch.tally.kinds import kinds
from stillwatch.tally.roster import build_roster
from stillwatch.tally.templates import mine_templates

Bool = npt.NDArray[np.bool_]
SAMPLES = 4
SAMPLE_NODES = 12
MOST_EXAMPLES = 20  # as many as ``model.Evidence`` may carry
CLOSE = 1e-6  # sums in another order differ in the last digits
# everything a fingerprint keeps of a prompt
PROMPT = re.compile(r"prompt_|text_key|shape_key|sentence_keys|near_keys|gist|starts_|ends_|has_code|digit_|script")
LABELS = re.compile(r"capability|elicitation_|grading_|rewriting_")
KEPT = {  # of columns that leave more, or something else, than ``SOURCES`` says
    "client_address": ("address_key", "prefix_key"),
    "ja4": ("stack_key", "agent_key"),
    "system_prompt": ("system_key", "system_shape_key"),
    "tool_names": ("tools_key", "tool_count"),
    "max_tokens": ("max_tokens", "params_key"),
    "temperature": ("temperature", "params_key"),
}
SHARED = ("stillwatch.detectors.protocol", "stillwatch.detectors.suspect", "stillwatch.detectors.check")


def check_detector(detector: Detector, scenes: Sequence[Scene]) -> None:
    """Raise AssertionError, naming the detector and the promise it breaks. Seconds for scenes of thousands of rows."""
    _check_declaration(detector)
    _check_imports(detector)
    for scene in scenes:
        for suspect in _suspects(scene):
            _check_measurement(detector, suspect)
        _check_empty(detector, scene)
        _check_names_do_not_matter(detector, scene)
        _check_unknown(detector, scene)


def _demand(holds: bool, detector: Detector, promise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise AssertionError(f"{detector.name}: {promise}")


def _check_declaration(detector: Detector) -> None:
    for word in (detector.name, detector.family):
        _demand(bool(re.fullmatch(r"[a-z][a-z0-9_]*", word)), detector, f"{word!r} is not a stable lower-case name")
    _demand(detector.axis in get_args(Axis), detector, f"there is no axis {detector.axis!r}")
    known = {*EXCHANGES.names, *ACCOUNTS.names}
    for column in "|".join(detector.needs).split("|"):
        _demand(not column or column in known, detector, f"needs {column!r}, which no table of the contract has")


def _check_imports(detector: Detector) -> None:
    module = sys.modules[type(detector).__module__]
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        others = [n for n in names if n.startswith("stillwatch.detectors.") and n in sys.modules and n not in SHARED]
        _demand(not others, detector, f"imports another detector: {', '.join(others)}")


def _suspects(scene: Scene) -> Iterator[Suspect]:
    """Clusters of every sort: holders of a shared value, a random handful, everybody, one node."""
    count = len(scene.roster.node_size)
    rng = np.random.default_rng(count)
    for view in scene.views:
        yield _suspect(scene, np.asarray((view.matrix[:, int(view.support.argmax())] > 0).todense()).ravel())
    for _ in range(SAMPLES):
        yield _suspect(scene, _mask(count, rng.permutation(count)[:SAMPLE_NODES]))
    yield _suspect(scene, np.ones(count, dtype=bool))
    yield _suspect(scene, _mask(count, np.array([0])))
    yield Suspect(
        scene=scene, members=_mask(count, np.array([0])), affinity=Affinity({}, {}), found_in="volume", held_out_p={}
    )


def _mask(count: int, nodes: npt.NDArray[np.int64]) -> Bool:
    members = np.zeros(count, dtype=bool)
    members[nodes] = True
    return members


def _suspect(scene: Scene, members: Bool) -> Suspect:
    p = {"payment": 0.003, "network": float("nan")}
    return Suspect(
        scene=scene, members=members, affinity=affinity(scene.views, members), found_in="network", held_out_p=p
    )


def _check_measurement(detector: Detector, suspect: Suspect) -> None:
    found = detector.measure(suspect)
    _demand(found is None or type(found) is Measurement, detector, f"returns {type(found).__name__}, not a Measurement")
    fresh = replace(suspect, members=suspect.members.copy())
    _demand(_same(found, detector.measure(fresh)), detector, "measures the same cluster twice and differs")
    _demand(_same(found, detector.measure(suspect)), detector, "changes what it is shown, or remembers")
    _demand(bool((fresh.members == suspect.members).all()), detector, "changes what it is shown")
    if found is None:
        return
    _demand(isinstance(found.x, float) and math.isfinite(found.x), detector, f"x is {found.x!r}, not a finite float")
    _demand(bool(found.says.strip()) and "\n" not in found.says, detector, f"says {found.says!r}")
    _demand("nan" not in found.says.split(), detector, f"says {found.says!r}")
    _demand(len(found.rows) <= MOST_EXAMPLES, detector, f"gives {len(found.rows)} examples")
    shown = np.isin(found.rows, suspect.rows)
    _demand(bool(np.all(shown)), detector, "names exchanges of accounts that it was not shown")
    wire = msgspec.json.decode(msgspec.json.encode(found), type=Measurement)
    _demand(wire == found, detector, "does not survive the wire")


def _same(one: Measurement | None, other: Measurement | None) -> bool:
    if one is None or other is None:
        return one is other
    return (repr(one.x), one.says, one.rows) == (repr(other.x), other.says, other.rows)  # NaN is like itself here


def _check_empty(detector: Detector, scene: Scene) -> None:
    nobody = np.zeros(len(scene.roster.node_size), dtype=bool)
    suspect = Suspect(
        scene=scene, members=nobody, affinity=affinity(scene.views, nobody), found_in="network", held_out_p={}
    )
    _demand(detector.measure(suspect) is None, detector, "measures a cluster of nobody")


def _check_names_do_not_matter(detector: Detector, scene: Scene) -> None:
    """The same log with the accounts called otherwise, so that they stand in another order."""
    other, place = renamed(scene)
    for suspect in _suspects(scene):
        members = np.zeros_like(suspect.members)
        members[other.roster.node[place[suspect.accounts]]] = True
        if not suspect.affinity.by_family:
            continue
        one, two = detector.measure(suspect), detector.measure(_suspect(other, members))
        _demand((one is None) == (two is None), detector, "depends on the order of the accounts")
        if one is not None and two is not None:
            same = math.isclose(one.x, two.x, rel_tol=CLOSE, abs_tol=CLOSE)
            _demand(same, detector, f"depends on the order of the accounts: {one.x} or {two.x}")


def _check_unknown(detector: Detector, scene: Scene) -> None:
    """Without one of the columns that it needs a detector cannot tell: not zero."""
    for need in detector.needs:
        blind = without(scene, need.split("|"))
        for suspect in _suspects(blind):
            found = detector.measure(suspect)
            _demand(found is None, detector, f"measures {found and found.x} although {need} is unknown")


def renamed(scene: Scene) -> tuple[Scene, npt.NDArray[np.int64]]:
    """The scene with its accounts called backwards, and where each account stands now."""
    n = len(scene.roster)
    place = np.arange(n)[::-1]
    name = pa.array([f"account-{i:09d}" for i in place])
    table = scene.facts.table
    at = table.schema.get_field_index("account_id")
    table = table.set_column(at, "account_id", name.take(pa.array(scene.facts.account)).dictionary_encode())
    side = scene.roster.side
    side = side.set_column(side.schema.get_field_index("platform"), "platform", pa.array(["one"] * n))
    side = side.set_column(side.schema.get_field_index("account_id"), "account_id", name)
    platform = pa.array(["one"] * table.num_rows).dictionary_encode()
    table = table.set_column(table.schema.get_field_index("platform"), "platform", platform)
    kind = dict(zip(table.column("exchange_id").to_pylist(), scene.kind.tolist(), strict=True))
    return _rebuilt(scene, table, side, kind), place


def without(scene: Scene, columns: Sequence[str]) -> Scene:
    """The scene as if the source had never had these columns of the contract."""
    gone = {name for column in columns for name in KEPT.get(column, (SOURCES.get(column, column),))}
    table, side = scene.facts.table, scene.roster.side
    for field in table.schema:
        prompt = "prompt" in columns and (PROMPT.match(field.name) or LABELS.match(field.name))
        if field.name in gone or prompt:
            at = table.schema.get_field_index(field.name)
            table = table.set_column(at, field, _nulls(table.num_rows, field.type))
    for column in set(columns) & set(ACCOUNTS.names):
        at = side.schema.get_field_index(column)
        side = side.set_column(at, ACCOUNTS.field(column), pa.nulls(side.num_rows, ACCOUNTS.field(column).type))
    return _rebuilt(scene, table, side)


def _nulls(count: int, kind: pa.DataType) -> pa.Array:
    return (
        pa.nulls(count, kind.value_type).dictionary_encode() if pa.types.is_dictionary(kind) else pa.nulls(count, kind)
    )


def _rebuilt(scene: Scene, table: pa.Table, side: pa.Table, known: dict[str, int] | None = None) -> Scene:
    names = {name: table.column(name).cast(pa.string()) for name in ("platform", "account_id")}
    seen = pa.table({**names, "org_key": table.column("org_key")})
    roster = build_roster(seen, side if scene.roster.has_side else None)
    facts = build_facts(table, roster)
    # which of two spellings of one text teaches the kinds depends on names: that is not the detector's doing
    ids = facts.table.column("exchange_id").to_pylist()
    kind = kinds(facts) if known is None else np.array([known[i] for i in ids], dtype=np.int64)
    return build_scene(facts, roster, build_views(facts, roster, mine_templates(facts), kind), kind)


__all__ = ["check_detector"]
