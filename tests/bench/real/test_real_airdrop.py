"""The airdrop bench: labels are read as they stand, one transfer feeds one column, and a planted fleet comes out."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from written_airdrop import (
    ALL_WALLETS,
    FAMILY_WALLETS,
    FLEET_WALLETS,
    FUNDER,
    STRANGER_WALLETS,
    SWEEP,
    transfers,
    wallet,
    written,
)

from stillwatch.bench.real.__main__ import main
from stillwatch.bench.real.axis import clusters, owned, scores
from stillwatch.bench.real.contract import COLUMNS, WITHHELD, Contract, contract_of, dealt_anew
from stillwatch.bench.real.hop import LABELS, Airdrop, changed, read_airdrop
from stillwatch.bench.real.measure import auc
from stillwatch.bench.real.neighbours import PEERS
from stillwatch.errors import InputError


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("hop"))


@pytest.fixture(scope="module")
def airdrop(checkout: Path) -> Airdrop:
    return read_airdrop(checkout)


@pytest.fixture(scope="module")
def contract(airdrop: Airdrop) -> Contract:
    return contract_of(airdrop)


def rows_of(contract: Contract, without: frozenset[str] = frozenset()) -> pa.Table:
    return pa.Table.from_batches(contract.exchanges(without))


def test_labels_say_who_was_struck_off_and_why(airdrop: Airdrop) -> None:
    why = dict(zip(airdrop.names, airdrop.standing, strict=True))
    assert airdrop.names == ALL_WALLETS
    assert {n for n, struck in zip(airdrop.names, airdrop.struck, strict=True) if struck} == set(FLEET_WALLETS)
    assert {why[n] for n in FLEET_WALLETS[:8]} == {"struck off by transfer group"}
    assert {why[n] for n in FLEET_WALLETS[8:]} == {"struck off on a report"}
    assert {why[n] for n in FAMILY_WALLETS} == {"kept: group taken for one party, too small to strike off"}
    assert {why[n] for n in STRANGER_WALLETS[:30]} == {"kept: the giant transfer group"}
    assert {why[n] for n in STRANGER_WALLETS[30:]} == {"kept: in no transfer group"}
    assert sorted(Counter(airdrop.group[airdrop.group >= 0].tolist()).values()) == [8, 8]


def test_a_checkout_is_read_from_its_root_or_from_its_data_folder(checkout: Path, airdrop: Airdrop) -> None:
    assert read_airdrop(checkout / "src" / "data").digest == airdrop.digest


def test_files_that_are_not_the_published_ones_are_named(checkout: Path) -> None:
    assert changed(checkout) == list(LABELS)


def test_labels_that_do_not_add_up_stop_the_run(tmp_path: Path) -> None:
    data = written(tmp_path) / "src" / "data"
    kept = (data / "eligibleAddresses.txt").read_text().splitlines()
    (data / "eligibleAddresses.txt").write_text("\n".join(kept[1:]))
    with pytest.raises(InputError, match="do not add up"):
        read_airdrop(tmp_path)


def test_a_label_that_no_group_explains_stops_the_run(tmp_path: Path) -> None:
    data = written(tmp_path) / "src" / "data"
    (data / "customGroups.ts").write_text("[]")
    with pytest.raises(InputError, match="do not explain 8 labels"):
        read_airdrop(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("groups.json", '[{"groupName": 1}]', "not a list of groups"),
        ("transfers/nativeTokenTransfers/xdai_batch_0.csv", "a,b\n1,2\n", "not a list of transfers"),
        ("transfers/nativeTokenTransfers/xdai_batch_0.csv", "", "not a list of transfers"),
        ("addressMetadata.ts", "{}", "no figure for 281 wallets"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, says: str
) -> None:
    (written(tmp_path) / "src" / "data" / name).write_text(text)
    assert main(["--data", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_absent_data_gets_one_line_that_says_where_to_get_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "real.json"
    assert main(["--data", str(tmp_path / "nowhere"), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "github.com/hop-protocol/hop-airdrop" in said
    assert not out.exists()


def test_a_transfer_feeds_one_column_only(contract: Contract) -> None:
    rows, side = rows_of(contract).to_pylist(), contract.accounts().to_pylist()
    cards = {row["account_id"]: row["payment_token"] for row in side}
    used = {name: {r["client_address"] for r in rows if r["account_id"] == name} - {None} for name in FLEET_WALLETS}
    assert {cards[name] for name in FLEET_WALLETS} == {FUNDER}
    assert all(len(addresses) == 1 for addresses in used.values())  # the sweep, and neither the funder nor itself
    assert len(set.union(*used.values())) == 1
    assert cards[FAMILY_WALLETS[0]] is None


def test_every_wallet_has_its_bridge_use_with_its_volume(contract: Contract) -> None:
    bridge = [row for row in rows_of(contract).to_pylist() if row["request_model"] == "bridge"]
    assert [row["account_id"] for row in bridge] == ALL_WALLETS
    assert {row["max_tokens"] for row in bridge if row["account_id"] in FLEET_WALLETS} == {1_234}
    assert all(row["max_tokens"] is None for row in rows_of(contract).to_pylist() if row["request_model"] != "bridge")


def test_both_ends_of_a_transfer_between_candidates_are_seen(contract: Contract) -> None:
    pairs = {
        (contract.names[w], str(contract.parties[int(o)]))
        for w, o in zip(contract.wallet.tolist(), contract.other.tolist(), strict=True)
    }
    assert (FAMILY_WALLETS[0], FAMILY_WALLETS[1]) in pairs
    assert (FAMILY_WALLETS[1], FAMILY_WALLETS[0]) in pairs
    assert (FLEET_WALLETS[0], SWEEP) in pairs


def test_the_funder_is_the_most_frequent_sender_and_then_the_first_listed(tmp_path: Path) -> None:
    data = written(tmp_path) / "src" / "data"
    once, twice, later = wallet(90_001), wallet(90_002), wallet(90_000)
    sent = [(once, FLEET_WALLETS[0]), (twice, FLEET_WALLETS[0]), (twice, FLEET_WALLETS[0])]
    sent += [(once, FLEET_WALLETS[1]), (later, FLEET_WALLETS[1]), (FLEET_WALLETS[2], FLEET_WALLETS[2])]
    transfers(data / "transfers" / "nativeTokenTransfers" / "xdai_batch_0.csv", sent)
    cards = {
        row["account_id"]: row["payment_token"] for row in contract_of(read_airdrop(tmp_path)).accounts().to_pylist()
    }
    assert (cards[FLEET_WALLETS[0]], cards[FLEET_WALLETS[1]], cards[FLEET_WALLETS[2]]) == (twice, once, None)


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_a_column_that_is_left_out_is_null_and_the_others_stay(contract: Contract, name: str) -> None:
    less = frozenset({name})
    for whole, part in ((rows_of(contract), rows_of(contract, less)), (contract.accounts(), contract.accounts(less))):
        for column in whole.column_names:
            if column == COLUMNS[name]:
                assert part.column(column).null_count == part.num_rows
            else:
                assert part.column(column).equals(whole.column(column))


def test_dealing_anew_moves_values_and_loses_none(contract: Contract) -> None:
    dealt = dealt_anew(contract, 3)
    for name in ("funder", "at", "volume"):
        before, after = getattr(contract, name), getattr(dealt, name)
        assert not np.array_equal(before, after)
        assert np.array_equal(np.sort(before), np.sort(after))
    # touches move wallet by wallet, to somebody else, and by another draw than the funders
    moved = dict(zip(contract.wallet.tolist(), dealt.wallet.tolist(), strict=True))
    assert [moved[w] for w in contract.wallet.tolist()] == dealt.wallet.tolist()
    assert sum(old == new for old, new in moved.items()) < len(moved) / 10
    by_wallet = sorted(Counter(contract.wallet.tolist()).values())
    assert sorted(Counter(dealt.wallet.tolist()).values()) == by_wallet
    assert np.array_equal(dealt.addressed, contract.addressed)


def test_only_the_operator_axis_is_asked_and_nothing_that_reads_made_up_times() -> None:
    asked = {detector.name for detector in owned(WITHHELD)}
    assert "shared_payment" in asked
    assert not asked & WITHHELD
    assert all(detector.axis == "operator" for detector in owned(()))


def test_a_planted_fleet_ranks_first_and_dealt_apart_it_is_gone(contract: Contract, airdrop: Airdrop) -> None:
    def ranked(given: Contract) -> np.ndarray:
        found = clusters(given.exchanges(), given.accounts(), given.names, WITHHELD)
        return scores(found, len(given.names))

    whole, apart = ranked(contract), ranked(dealt_anew(contract, 1))
    assert auc(whole, airdrop.struck) > 0.95
    assert whole[airdrop.struck].min() > whole[~airdrop.struck].max()
    assert apart.max() < whole[airdrop.struck].min()


@pytest.mark.parametrize("name", sorted(PEERS))
def test_every_simple_peer_ranks_the_planted_fleet_first(contract: Contract, airdrop: Airdrop, name: str) -> None:
    score = PEERS[name][0](contract)
    assert score[airdrop.struck].min() > score[~airdrop.struck].max()


def test_the_command_writes_everything_and_names_no_wallet(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "real.json"
    assert main(["--data", str(checkout), "--out", str(out), "--quick"]) == 0
    text = out.read_text()
    found = json.loads(text)
    assert found["data"]["struck"] == len(FLEET_WALLETS)
    assert found["data"]["changed_files"] == list(LABELS)
    assert sum(row["count"] for row in found["stillwatch"]["calibration"]) == len(ALL_WALLETS)
    assert "shared_content" in found["unread"]
    assert not any(name in text for name in ALL_WALLETS)
    assert "16 of 281 wallets were struck off" in capsys.readouterr().out


def test_an_unknown_column_is_refused(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(checkout), "--without", "colour"])
    assert "no column named colour; one of network" in capsys.readouterr().err
