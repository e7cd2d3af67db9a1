"""New accounts of a known campaign are recognised, in whatever pieces the exchanges come; strangers are not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from built_scenes import Row, exchange, scene_of
from stillwatch.campaigns.recognise import Recogniser, settled_keys
from stillwatch.campaigns.sightings import Sightings
from stillwatch.campaigns.signature import Census, Signature, best_bits, sign, similarity
from stillwatch.campaigns.signature_null import signatures
from stillwatch.campaigns.traits import FAMILIES, NAMES, account_keys, of_accounts, of_exchanges
from stillwatch.campaigns.weighing import NEVER, Weighing, load_weighing, speaks
from stillwatch.detectors.suspect import Scene
from stillwatch.errors import InputError
from stillwatch.model import Recognised
from stillwatch.tables import ACCOUNTS

WEIGHING = Weighing(
    weights=dict.fromkeys(FAMILIES, 1.0),
    lacking={"payment": 1.0, "signup": 1.0},
    base=-6.0,
    cap_bits=12.0,
    odds=(-10.0, 0.0, 4.0),
    chance=(0.0, 0.5, 1.0),
    act=0.9,
)
Side = dict[str, object]


def of_campaign(i: int, at: int, number: int) -> Row:
    return exchange(
        number,
        f"m{i:02d}",
        at,
        client_address=f"198.51.100.{i % 3}",
        user_agent="python-requests/2.32",
        prompt=f"Answer as the examiner would. Show every step of the work. Question {number}: what is {at} of it?",
        max_tokens=4096,
        temperature=0.7,
    )


def of_crowd(i: int, at: int, number: int) -> Row:
    return exchange(
        number,
        f"h{i:02d}",
        at,
        client_address=f"203.0.{i % 113}.{i}",
        user_agent=f"browser/{i % 5}",
        prompt=f"Could you help me with the letter number {number} to my aunt {i}?",
        max_tokens=256 + i % 3,
    )


def side_of(name: str, i: int) -> Side:
    card = f"card-{i % 4}" if name.startswith("m") else f"own-{i}"
    return {"account_id": name, "platform": "api", "payment_token": card, "plan": "pay_as_you_go"}


def window(members: int = 12, crowd: int = 60) -> Scene:
    rows: list[Row] = []
    for i in range(members):
        rows += [of_campaign(i, 10 * i + j, 1000 * i + j) for j in range(12)]
    for i in range(crowd):
        rows += [of_crowd(i, 10 * i + j, 500_000 + 1000 * i + j) for j in range(12)]
    side = [side_of(f"m{i:02d}", i) for i in range(members)] + [side_of(f"h{i:02d}", i) for i in range(crowd)]
    return scene_of(rows, side)


def masks(scene: Scene, letter: str = "m") -> np.ndarray:
    return np.array([name.startswith(letter) for name in scene.roster.names.column("account_id").to_pylist()])


def signed(scene: Scene, weighing: Weighing = WEIGHING) -> dict[str, Signature]:
    census = Census.of(scene.facts, scene.roster)
    members = masks(scene)
    return signatures(census, {"campaign-x": members}, {"campaign-x": np.zeros(len(members), bool)}, weighing)


@pytest.fixture(scope="module")
def known() -> Scene:
    return window()


@pytest.fixture(scope="module")
def signature(known: Scene) -> Signature:
    return signed(known)["campaign-x"]


@pytest.fixture(scope="module")
def later() -> pa.Table:
    """Two new accounts of the campaign (one with a card of its own), new strangers, and the known ones."""
    rows: list[Row] = []
    for i in (50, 51):
        rows += [of_campaign(i, 9000 + 7 * j + i, 900_000 + 100 * i + j) for j in range(6)]
    for i in range(70, 80):
        rows += [of_crowd(i, 9000 + j, 950_000 + 100 * i + j) for j in range(6)]
    rows += [of_campaign(3, 9100 + j, 990_000 + j) for j in range(3)]
    return scene_of(rows, []).facts.table


def sides(batch: pa.Table, extra: Sequence[Side] = ()) -> pa.Table:
    names = sorted({str(name) for name in batch.column("account_id").to_pylist()})
    given_ = {str(row["account_id"]): row for row in extra}
    rows = [given_.get(name, side_of(name, int(name[1:]))) for name in names]
    return pa.Table.from_pylist(rows, schema=ACCOUNTS)


def seen(recogniser: Recogniser, table: pa.Table, extra: Sequence[Side] = ()) -> list[Recognised]:
    return recogniser.news(table, sides(table, extra))


def who(found: Sequence[Recognised]) -> list[str]:
    return [one.account_id for one in found]


def final(found: Sequence[Recognised]) -> list[tuple[str, str, float, float, tuple[str, ...]]]:
    return [(r.account_id, r.campaign_id, r.probability, r.bits, r.because) for r in found]


def test_new_accounts_of_the_campaign_are_recognised_and_strangers_are_not(
    signature: Signature, known: Scene, later: pa.Table
) -> None:
    assert signature.separates
    settled = settled_keys(known.roster.names, known.facts.per_account)
    recogniser = Recogniser([signature], settled, weighing=WEIGHING)
    found = seen(recogniser, later)
    assert who(found) == ["m50", "m51"]
    assert found[0].campaign_id == "campaign-x"
    assert found[0].probability >= WEIGHING.act
    assert found[0].after_exchanges == 6
    assert any("pays with an instrument" in reason for reason in found[0].because)
    assert seen(recogniser, later) == []  # said once
    assert who(recogniser.current()) == ["m50", "m51"]


def test_accounts_that_share_nothing_leave_nothing_behind(signature: Signature, later: pa.Table) -> None:
    strangers = later.filter(pa.array([str(n).startswith("h") for n in later.column("account_id").to_pylist()]))
    recogniser = Recogniser([signature], weighing=WEIGHING)
    assert seen(recogniser, strangers) == []
    assert len(recogniser) == 0


def test_shared_content_alone_recognises_nobody(signature: Signature) -> None:
    rows = [of_campaign(60, 9000 + j, 960_000 + j) for j in range(9)]
    for j, row in enumerate(rows):
        row |= {"client_address": f"192.0.{j}.9", "user_agent": "mine", "max_tokens": 77, "temperature": 0.1}
    table = scene_of(rows, []).facts.table
    recogniser = Recogniser([signature], weighing=WEIGHING, least=0.0)
    assert recogniser.news(table) == []
    assert len(recogniser) == 1  # it is watched


def test_an_account_somebody_checked_is_never_recognised(signature: Signature, later: pa.Table) -> None:
    checked = [{**side_of("m50", 50), "verification": "organisation"}, {**side_of("m51", 51), "plan": "enterprise"}]
    recogniser = Recogniser([signature], weighing=WEIGHING)
    assert who(seen(recogniser, later, checked)) == ["m03"]
    assert who(recogniser.current()) == ["m03"]


def test_a_card_of_its_own_speaks_against_an_account(signature: Signature, later: pa.Table) -> None:
    own = [{**side_of("m50", 50), "payment_token": "another"}]
    bits = {}
    for name, extra in (("shared", []), ("own", own)):
        recogniser = Recogniser([signature], weighing=WEIGHING, least=0.0)
        bits[name] = {r.account_id: r.bits for r in seen(recogniser, later, extra)}["m50"]
    unknown = Recogniser([signature], weighing=WEIGHING, least=0.0).news(later)
    bits["unknown"] = {r.account_id: r.bits for r in unknown}["m50"]
    assert bits["own"] < bits["unknown"] < bits["shared"]


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_any_split_and_order_gives_the_same_in_the_end(
    signature: Signature, later: pa.Table, dice: Random, count: int
) -> None:
    whole = Recogniser([signature], weighing=WEIGHING, least=0.01)
    seen(whole, later)
    order = list(range(len(later)))
    dice.shuffle(order)
    cuts = [0, *sorted(dice.randrange(len(order) + 1) for _ in range(count)), len(order)]
    pieces = Recogniser([signature], weighing=WEIGHING, least=0.01)
    halves = [Recogniser([signature], weighing=WEIGHING, least=0.01) for _ in range(2)]
    for number, (start, end) in enumerate(pairwise(cuts)):
        if start < end:
            batch = later.take(pa.array(order[start:end]))
            seen(pieces, batch)
            seen(halves[number % 2], batch)
    assert final(pieces.current()) == final(whole.current())
    assert final(halves[0].merged(halves[1]).current()) == final(whole.current())
    assert final(halves[1].merged(halves[0]).current()) == final(whole.current())


def test_the_fast_way_finds_the_bits_that_the_plain_one_does(signature: Signature, later: pa.Table) -> None:
    names, number = np.unique(account_keys(later), return_inverse=True)
    side = sides(later)
    place = np.searchsorted(names, account_keys(side))
    aligned = side.take(pa.array(np.argsort(place)))
    plain = best_bits(signature, of_exchanges(later), number.astype(np.int64), of_accounts(aligned), len(names))
    odds = dict(zip(names.tolist(), WEIGHING.log_odds(plain).round(3).tolist(), strict=True))
    recogniser = Recogniser([signature], weighing=WEIGHING, least=0.0)
    for found in seen(recogniser, later):
        key = account_keys(pa.table({"platform": [found.platform], "account_id": [found.account_id]}))[0]
        assert odds[int(key)] == pytest.approx(found.bits, abs=2e-3)


def test_a_full_table_lets_the_quietest_go(signature: Signature, later: pa.Table) -> None:
    recogniser = Recogniser([signature], weighing=WEIGHING, least=0.0, capacity=2)
    seen(recogniser, later)
    assert len(recogniser) <= 2


def test_a_campaign_like_everybody_else_is_not_looked_for_and_says_so() -> None:
    scene = window(members=4, crowd=40)
    census = Census.of(scene.facts, scene.roster)
    some = np.array([n in {"h00", "h07", "h14"} for n in scene.roster.names.column("account_id").to_pylist()])
    found = signatures(census, {"c": some}, {"c": np.zeros(len(some), bool)}, WEIGHING)["c"]
    assert not found.separates
    assert "%" in found.says
    assert Recogniser([found], weighing=WEIGHING).news(scene.facts.table) == []


def test_what_two_share_weighs_less_than_what_all_do(known: Scene) -> None:
    census = Census.of(known.facts, known.roster)
    _, worth = sign(census, "x", masks(known))
    payment = next(one for one in worth if one.held.number == 20)
    three = payment.bits.max()
    two = known.roster.names.column("account_id").to_pylist()
    pair = np.array([name in {"m00", "m04", "m01", "m02"} for name in two])
    _, fewer = sign(census, "y", pair, masks(known) & ~pair)
    single = next(one for one in fewer if one.held.number == 20)
    assert single.own.min() < single.bits.max()
    assert three > 0
    assert (payment.own < payment.bits).all()


def test_what_two_share_where_everybody_has_their_own_weighs_less_than_where_all_share() -> None:
    rows: list[Row] = []
    for i in range(12):
        own = {"client_address": f"198.51.{max(i, 1)}.7"}  # the first two share
        rows += [of_campaign(i, 10 * i + j, 1000 * i + j) | own for j in range(4)]
    for i in range(60):
        rows += [of_crowd(i, 10 * i + j, 500_000 + 1000 * i + j) for j in range(4)]
    scene = scene_of(rows, [])
    _, worth = sign(Census.of(scene.facts, scene.roster), "x", masks(scene))
    (address,) = (one for one in worth if NAMES[one.held.number] == "address")
    assert address.bits.max() == pytest.approx(np.log2(((2 - 10 / 12) + 1 / 62) / 13 * 62), abs=1e-3)


def test_where_more_outsiders_than_members_pass_the_bar_is_raised(known: Scene) -> None:
    census = Census.of(known.facts, known.roster)
    names = known.roster.names.column("account_id").to_pylist()
    some = np.array([name in {"m00", "m01", "m02"} for name in names])
    none = np.zeros(len(some), bool)
    signature = signatures(census, {"c": some}, {"c": none}, WEIGHING)["c"]
    assert signature.least_bits > WEIGHING.act_bits + 0.1  # nine others are as alike as these three
    with_all = signatures(census, {"c": masks(known)}, {"c": none}, WEIGHING)["c"]
    assert with_all.least_bits == pytest.approx(WEIGHING.act_bits, abs=1e-3)


@pytest.mark.parametrize(
    ("families", "enough"),
    [(["content"], False), (["network"], False), (["network", "content"], True), (["payment", "client"], True)],
)
def test_two_families_must_speak_and_not_content_alone(families: list[str], enough: bool) -> None:  # noqa: FBT001
    best = np.zeros((1, len(FAMILIES)), np.float32)
    best[0, [FAMILIES.index(family) for family in families]] = 11.0
    assert bool(speaks(best)[0]) is enough
    assert (WEIGHING.log_odds(best)[0] > NEVER) is np.bool_(enough)


@st.composite
def sightings(draw: st.DrawFn) -> list[tuple[int, int, int, float, int]]:
    return draw(
        st.lists(
            st.tuples(
                st.integers(1, 5), st.integers(0, 2), st.integers(0, 2), st.sampled_from([1.5, 2.0]), st.integers(0, 3)
            ),
            min_size=1,
            max_size=40,
        )
    )


def put(state: Sightings, rows: list[tuple[int, int, int, float, int]]) -> Sightings:
    if rows:
        account, campaign, family, bits, view = (np.array(column) for column in zip(*rows, strict=True))
        who = account.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        kinds = family.astype(np.uint8), bits.astype(np.float32), view.astype(np.uint8)
        state.add(who, campaign.astype(np.int32), *kinds)
        state.touch(who, account * 7)
        state.inform(who, (account % 3).astype(np.uint8), account % 4 == 0)
    return state


def contents(state: Sightings) -> tuple[dict, dict]:
    a, p = state.account_count, state.pair_count
    of_account = {
        int(state.key[i]): (int(state.last_us[i]), int(state.informed[i]), bool(state.vouched[i])) for i in range(a)
    }
    of_pair = {
        (int(state.key[state.account[i]]), int(state.campaign[i])): (state.best[i].tolist(), state.view[i].tolist())
        for i in range(p)
    }
    return of_account, of_pair


@settings(max_examples=80, deadline=None)
@given(sightings(), st.randoms(use_true_random=False), st.integers(0, 40))
def test_sightings_are_the_same_in_any_order_and_merge(
    rows: list[tuple[int, int, int, float, int]], dice: Random, cut: int
) -> None:
    whole = contents(put(Sightings.none(), rows))
    dice.shuffle(rows)
    assert contents(put(put(Sightings.none(), rows[:cut]), rows[cut:])) == whole
    left, right = put(Sightings.none(), rows[:cut]), put(Sightings.none(), rows[cut:])
    assert contents(left.merged(right)) == whole
    assert contents(right.merged(left)) == whole
    best = whole[1]
    for account, campaign, family, bits, _ in rows:
        key = account * 0x9E3779B97F4A7C15 % 2**64
        assert best[key, campaign][0][family] >= bits


def test_a_signature_survives_the_store_and_refuses_other_bytes(signature: Signature) -> None:
    assert Signature.read(signature.write()) == signature
    assert similarity(signature, signature) == pytest.approx(1.0)
    with pytest.raises(InputError):
        Signature.read(b"nothing of the sort")


def test_nothing_is_recognised_without_campaigns(later: pa.Table) -> None:
    recogniser = Recogniser([], weighing=WEIGHING)
    assert seen(recogniser, later) == []
    assert recogniser.current() == []


def test_the_shipped_weights_never_let_more_evidence_count_less() -> None:
    shipped = load_weighing()
    assert min(shipped.weights.values()) >= 0
    assert min(shipped.lacking.values()) >= 0
    assert list(shipped.odds) == sorted(shipped.odds)
    assert list(shipped.chance) == sorted(shipped.chance)
    assert 0.9 <= shipped.act < 1
    assert shipped.probability(np.array([shipped.act_bits]))[0] == pytest.approx(shipped.act, abs=1e-6)
    assert "worlds" in shipped.provenance


def test_times_are_of_the_exchanges(signature: Signature, later: pa.Table) -> None:
    recogniser = Recogniser([signature], weighing=WEIGHING)
    found = {r.account_id: r.at for r in seen(recogniser, later)}
    last = max(
        at
        for at, name in zip(later.column("at").to_pylist(), later.column("account_id").to_pylist(), strict=True)
        if name == "m50"
    )
    assert found["m50"] == last
    assert isinstance(found["m50"], datetime)
    assert found["m50"].tzinfo == UTC
