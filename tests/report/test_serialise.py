"""The files of a scan: their schema, their bytes, what is read back, and what a crash leaves."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from handmade_results import HOSTILE, START, hostile_result, hydra, loner, resale_pool, result_of, scores_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stillwatch.errors import InputError, StillwatchError
from stillwatch.model import CAPABILITIES, Campaign, ScanResult
from stillwatch.report.canonical import canonical, probability, shares
from stillwatch.report.reading import read_scan, read_scores
from stillwatch.report.serialise import WRITTEN_IN_ORDER, campaigns_json, evidence_lines, write_scan
from stillwatch.tables import ACCOUNT_SCORES

FILES = sorted(WRITTEN_IN_ORDER)
TIME = {"time": True}
SHARE = {"type": float, "low": 0, "high": 1}
COUNT = {"type": int, "low": 0}
TEXT = {"type": str}
ACCOUNTS = [{"platform": TEXT, "account_id": TEXT, "probability": SHARE}]
SCHEMA: dict[str, Any] = {
    "schema": {"one_of": ["stillwatch/1"]},
    "input": {
        "exchanges": COUNT,
        "accounts": COUNT,
        "quarantined": COUNT,
        "from": TIME,
        "to": TIME,
        "missing_columns": [TEXT],
    },
    "campaigns": [
        {
            "campaign_id": TEXT,
            "verdict": {"one_of": ["extraction", "resale", "coordinated"]},
            "confidence": SHARE,
            "accounts": ACCOUNTS,
            "possible_accounts": ACCOUNTS,
            "exchanges": COUNT,
            "extraction_exchanges": COUNT,
            "first_seen": TIME,
            "last_seen": TIME,
            "platforms": {"keys": TEXT, "values": COUNT},
            "models": {"keys": TEXT, "values": COUNT},
            "capabilities": {"keys": {"one_of": list(CAPABILITIES)}, "values": SHARE},
            "model_pivots": [{"at": TIME, "to_model": TEXT, "share": SHARE}],
            "evidence": [{"name": TEXT, "family": TEXT, "bits": {"type": float}, "says": TEXT}],
        }
    ],
    "not_applicable": [{"detector": TEXT, "because": TEXT}],
}
RULES = {"type", "time", "one_of", "keys"}


def violations(value: Any, schema: Any, where: str = "$") -> list[str]:
    """Where a JSON value departs from a schema in the small language above: exact keys, exact types."""
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [f"{where}: not a list"]
        return [found for n, item in enumerate(value) for found in violations(item, schema[0], f"{where}[{n}]")]
    if not RULES & set(schema) or "keys" in schema:
        return _object_violations(value, schema, where)
    return [] if _fits(value, schema) else [f"{where}: {value!r} is not {schema}"]


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    if "one_of" in schema:
        return value in schema["one_of"]
    if "time" in schema:
        return isinstance(value, str) and value.endswith("Z") and datetime.fromisoformat(value).year > 2000
    wanted = (int, float) if schema["type"] is float else schema["type"]
    if not isinstance(value, wanted) or isinstance(value, bool):
        return False
    return value >= schema.get("low", value) and value <= schema.get("high", value)


def _object_violations(value: Any, schema: dict[str, Any], where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: not an object"]
    if "keys" in schema:
        keys = [found for key in value for found in violations(key, schema["keys"], f"{where}.{key} (key)")]
        return keys + [f for key, item in value.items() for f in violations(item, schema["values"], f"{where}.{key}")]
    if list(value) != list(schema):
        return [f"{where}: keys are {list(value)}, not {list(schema)}"]
    return [found for key, item in value.items() for found in violations(item, schema[key], f"{where}.{key}")]


def shuffled(result: ScanResult, seed: int) -> ScanResult:
    """The same result with every list in another order; rosters too, with the positions that point into them."""
    dice = random.Random(seed)

    def mixed(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(dice.sample(items, len(items)))

    def campaign(one: Campaign) -> Campaign:
        order = dice.sample(range(len(one.roster)), len(one.roster))
        place = {old: new for new, old in enumerate(order)}
        turn = msgspec.structs.replace
        return turn(
            one,
            roster=tuple(turn(one.roster[old], evidence=mixed(one.roster[old].evidence)) for old in order),
            evidence=mixed(one.evidence),
            timeline=mixed(one.timeline),
            model_pivots=mixed(one.model_pivots),
            models=dict(mixed(tuple(one.models.items()))),
            capabilities=dict(mixed(tuple(one.capabilities.items()))),
            links=mixed(tuple(turn(x, left=place[x.right], right=place[x.left]) for x in one.links)),
            successions=mixed(
                tuple(turn(x, closed=place[x.closed], successor=place[x.successor]) for x in one.successions)
            ),
        )

    return msgspec.structs.replace(
        result,
        campaigns=mixed(tuple(campaign(one) for one in result.campaigns)),
        lookalikes=mixed(result.lookalikes),
        not_applicable=mixed(result.not_applicable),
    )


@pytest.mark.parametrize("name", ["result", "large", "empty", "hostile"])
def test_campaigns_json_is_what_the_schema_says(name: str, request: pytest.FixtureRequest) -> None:
    value = json.loads(campaigns_json(request.getfixturevalue(name)))
    assert violations(value, SCHEMA) == []
    for campaign in value["campaigns"]:
        assert sum(campaign["capabilities"].values()) == pytest.approx(1) or campaign["verdict"] != "extraction"
        assert all(account["probability"] >= 0.5 for account in campaign["accounts"])


def test_the_schema_check_notices_what_departs_from_it(result: ScanResult) -> None:
    value = json.loads(campaigns_json(result))
    value["campaigns"][0]["confidence"] = 1.5
    value["campaigns"][0]["evidence"][0]["axis"] = "operator"
    value["input"]["from"] = "2026-03-02T00:00:00"
    value["campaigns"][1]["verdict"] = "guilty"
    assert len(violations(value, SCHEMA)) == 4


def test_equal_results_give_equal_bytes_in_whatever_order_they_come(result: ScanResult) -> None:
    for seed in range(5):
        assert campaigns_json(shuffled(result, seed)) == campaigns_json(result)
        assert evidence_lines(shuffled(result, seed)) == evidence_lines(result)


def test_every_file_is_byte_identical_when_written_twice(result: ScanResult, scores: pa.Table, tmp_path: Path) -> None:
    write_scan(result, scores, tmp_path / "a")
    turned = scores.take(list(reversed(range(scores.num_rows))))
    write_scan(shuffled(result, 9), turned, tmp_path / "b")
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


@pytest.mark.parametrize("name", ["result", "large", "empty", "hostile"])
def test_what_is_read_is_what_was_written(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    result = request.getfixturevalue(name)
    write_scan(result, scores_of(result), tmp_path / "out")
    assert read_scan(tmp_path / "out") == canonical(result)
    assert read_scores(tmp_path / "out").schema.equals(ACCOUNT_SCORES)
    assert read_scores(tmp_path / "out").num_rows == scores_of(result).num_rows


def test_the_canonical_form_is_idempotent(result: ScanResult) -> None:
    assert canonical(canonical(result)) == canonical(result)


@given(st.dictionaries(st.sampled_from(CAPABILITIES), st.floats(0, 1e6), max_size=12))
def test_capability_shares_sum_to_one_after_rounding(mix: dict[str, float]) -> None:
    rounded = shares(mix)
    assert not rounded or sum(round(share * 10_000) for share in rounded.values()) == 10_000
    assert shares(rounded) == rounded
    assert set(rounded) <= set(mix)


@given(st.floats(0, 1))
@example(0.99999)
@example(1e-9)
def test_rounding_never_makes_a_probability_certain(value: float) -> None:
    assert abs(probability(value) - value) <= 1e-4
    assert (probability(value) in {0.0, 1.0}) == (value in {0.0, 1.0})


@given(st.text(max_size=40), st.floats(-1e6, 1e6))
@settings(max_examples=50, deadline=None)
def test_any_string_survives_the_round_trip(tmp_path_factory: pytest.TempPathFactory, text: str, bits: float) -> None:
    one = loner()
    item = msgspec.structs.replace(one.evidence[0], says=text, name=text, bits=bits, exchange_ids=(text,))
    result = result_of(msgspec.structs.replace(one, campaign_id=text, evidence=(item,)))
    folder = tmp_path_factory.mktemp("any")
    write_scan(result, scores_of(result), folder)
    assert read_scan(folder) == canonical(result)


def test_times_are_told_in_utc_with_a_z(result: ScanResult) -> None:
    east = timezone(timedelta(hours=9))
    moved = msgspec.structs.replace(result.input, first=result.input.first.astimezone(east))
    turned = msgspec.structs.replace(result, input=moved)
    assert campaigns_json(turned) == campaigns_json(result)
    assert json.loads(campaigns_json(turned))["input"]["from"] == "2026-03-02T00:00:00Z"


def replaced(campaign: Campaign, **changes: Any) -> ScanResult:
    return result_of(msgspec.structs.replace(campaign, **changes))


@pytest.mark.parametrize(
    ("contradiction", "says"),
    [
        (lambda: replaced(hydra(), confidence=1.2), "not a probability"),
        (lambda: replaced(hydra(), operator_bits=float("nan")), "bits must be finite"),
        (lambda: replaced(hydra(), first_seen=START.replace(tzinfo=None)), "without a zone"),
        (lambda: replaced(hydra(), capabilities={"poetry": 1.0}), "unknown capability"),
        (lambda: replaced(loner(), links=(msgspec.structs.replace(hydra().links[0], right=9),)), "roster"),
        (lambda: replaced(loner(), roster=loner().roster * 2), "twice"),
        (
            lambda: replaced(loner(), roster=(msgspec.structs.replace(loner().roster[0], probability=0.4),)),
            "accused at probability 0.4",
        ),
        (lambda: result_of(loner(), loner()), "same campaign_id"),
    ],
)
def test_a_result_that_contradicts_itself_is_not_written(contradiction: Any, says: str, tmp_path: Path) -> None:
    result = contradiction()
    with pytest.raises(ValueError, match=says):
        write_scan(result, scores_of(result), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_out_that_is_a_file_is_refused(result: ScanResult, scores: pa.Table, tmp_path: Path) -> None:
    taken = tmp_path / "out"
    taken.write_text("mine")
    with pytest.raises(InputError, match="is a file, not a directory") as caught:
        write_scan(result, scores, taken)
    assert caught.value.exit_code == 2
    assert taken.read_text() == "mine"


def test_an_out_below_a_file_is_one_clear_error(result: ScanResult, scores: pa.Table, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StillwatchError, match="cannot be written"):
        write_scan(result, scores, tmp_path / "file" / "out")


def test_an_accounts_table_without_its_columns_is_refused_by_name(result: ScanResult, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="lacks exchanges, campaign_id"):
        write_scan(result, pa.table({"platform": ["api"], "account_id": ["a"]}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_files_in_the_directory_are_left_alone(result: ScanResult, scores: pa.Table, tmp_path: Path) -> None:
    (tmp_path / "quarantine.jsonl").write_text("{}")
    write_scan(result, scores, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, "quarantine.jsonl"])


class CrashError(Exception):
    pass


@pytest.mark.parametrize("before", ["nothing", "a report"])
@pytest.mark.parametrize("at", range(1, 5))
def test_a_crash_while_writing_leaves_the_old_files(
    before: str, at: int, result: ScanResult, empty: ScanResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    if before == "a report":
        write_scan(empty, scores_of(empty), out)
    held = {path.name: path.read_bytes() for path in out.iterdir()} if out.exists() else {}
    crash_at(monkeypatch, at)
    with pytest.raises(CrashError):
        write_scan(result, scores_of(result), out)
    assert ({path.name: path.read_bytes() for path in out.iterdir()} if out.exists() else {}) == held
    assert [path.name for path in tmp_path.iterdir() if path != out] == []


def crash_at(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """The disk gives out at the nth file that is written."""
    written = {"files": 0}
    write_bytes, write_table = Path.write_bytes, pq.write_table

    def one_more() -> None:
        written["files"] += 1
        if written["files"] == at:
            raise CrashError

    def bytes_or_crash(self: Path, data: bytes) -> int:
        one_more()
        return write_bytes(self, data)

    def table_or_crash(table: pa.Table, where: Path, **options: Any) -> None:
        one_more()
        write_table(table, where, **options)

    monkeypatch.setattr(Path, "write_bytes", bytes_or_crash)
    monkeypatch.setattr(pq, "write_table", table_or_crash)


@pytest.mark.parametrize("at", range(1, 5))
def test_a_crash_between_renames_is_noticed_when_read(
    at: int, result: ScanResult, empty: ScanResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(empty, scores_of(empty), tmp_path)
    renames = {"done": 0}
    replace = Path.replace

    def replace_or_crash(self: Path, target: Path) -> Path:
        renames["done"] += 1
        if renames["done"] == at:
            raise CrashError
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace_or_crash)
        with pytest.raises(CrashError):
            write_scan(result, scores_of(result), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    if at <= 3:
        assert read_scan(tmp_path) == canonical(empty)
    else:
        with pytest.raises(InputError, match=r"belongs to another scan than campaigns\.json"):
            read_scan(tmp_path)


def cut(folder: Path, share: float) -> None:
    path = folder / "evidence.jsonl"
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])


def drop_last_line(folder: Path) -> None:
    path = folder / "evidence.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def spoil_campaigns(folder: Path, old: bytes, new: bytes) -> None:
    path = folder / "campaigns.json"
    path.write_bytes(path.read_bytes().replace(old, new))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda d: (d / "campaigns.json").unlink(), r"campaigns\.json: is missing"),
        (lambda d: (d / "evidence.jsonl").unlink(), r"evidence\.jsonl: is missing"),
        (lambda d: (d / "campaigns.json").write_bytes(b"\x00\xff binary"), "is not a scan's result"),
        (lambda d: (d / "campaigns.json").write_bytes(b""), "is not a scan's result"),
        (lambda d: (d / "campaigns.json").write_bytes(b"[1, 2]"), "is not a scan's result"),
        (lambda d: spoil_campaigns(d, b"stillwatch/1", b"stillwatch/9"), "has schema 'stillwatch/9'"),
        (lambda d: spoil_campaigns(d, b"0.9712", b"0.5"), "belongs to another scan"),
        (lambda d: spoil_campaigns(d, b'"verdict": "resale"', b'"verdict": "guilt"'), "is not a scan's result"),
        (lambda d: (d / "evidence.jsonl").write_bytes(b""), "does not begin with a scan record"),
        (lambda d: cut(d, 0.5), r"evidence\.jsonl:\d+: is corrupt"),
        (drop_last_line, "is cut short"),
    ],
)
def test_a_spoilt_report_is_one_clear_error(spoil: Any, says: str, result: ScanResult, tmp_path: Path) -> None:
    write_scan(result, scores_of(result), tmp_path)
    spoil(tmp_path)
    with pytest.raises(InputError, match=says) as caught:
        read_scan(tmp_path)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_a_report_directory_that_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_scan(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        read_scan(tmp_path / "file")
    (tmp_path / "accounts.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match=r"accounts\.parquet: cannot be read"):
        read_scores(tmp_path)


def test_campaigns_are_listed_gravest_first() -> None:
    value = json.loads(campaigns_json(result_of(resale_pool(), loner(), hydra())))
    assert [one["verdict"] for one in value["campaigns"]] == ["extraction", "extraction", "resale"]
    assert value["campaigns"][0]["campaign_id"] == "c-hydra-7f3a"


def test_hostile_strings_stay_what_they_were_in_json() -> None:
    models = json.loads(campaigns_json(hostile_result()))["campaigns"][0]["models"]
    assert set(models) == set(HOSTILE)
