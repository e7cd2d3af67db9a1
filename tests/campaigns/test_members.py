"""Nobody is accused for what they ask alone: an account's own evidence must go beyond shared content."""

from __future__ import annotations

import numpy as np
import pytest
from written_suspects import crowd, judged, of_odds

from stillwatch.campaigns.forest import Forest
from stillwatch.campaigns.judge import Judged
from stillwatch.campaigns.members import BEYOND_CONTENT_BITS, CONTENT_FAMILIES, OWN_ITEMS, membership, tied
from stillwatch.campaigns.weights import load_weights
from stillwatch.detectors.suspect import Suspect
from stillwatch.operators.affinity import Affinity, affinity

SCENE = crowd()  # three exchanges an account: too few to be harvesting behaviour of one's own


def always(bits: float) -> Forest:
    """No trees: the same odds for everybody."""
    return Forest(features=(), start=bits, root=(), feature=(), threshold=(), left=(), right=(), cover=(), bits=())


CERTAIN = always(40.0)


def with_bits(item: Judged, **bits: float) -> Judged:
    """The cluster with the same bits for every node."""
    from dataclasses import replace

    count = len(item.suspect.members)
    made = Affinity({family: np.full(count, value, np.float32) for family, value in bits.items()}, {})
    return replace(item, suspect=replace(item.suspect, affinity=made))


def test_content_alone_accuses_nobody_however_certain() -> None:
    item = with_bits(judged(SCENE, range(8), 20, 20), content=12.0)
    found = membership(item, CERTAIN)
    assert (found.probability > 0.99).all()
    assert not found.accused.any()


def test_unknown_beyond_content_accuses_nobody() -> None:
    item = with_bits(judged(SCENE, range(8), 20, 20), content=12.0, network=float("nan"), payment=float("nan"))
    assert not membership(item, CERTAIN).accused.any()


@pytest.mark.parametrize("family", ["network", "payment", "signup", "params", "client", "session"])
def test_one_tie_beyond_content_suffices_where_membership_is_likely(family: str) -> None:
    item = judged(SCENE, range(8), 20, 20)
    enough = with_bits(item, content=9.0, **{family: BEYOND_CONTENT_BITS})
    short = with_bits(item, content=9.0, **{family: BEYOND_CONTENT_BITS - 0.1})
    assert membership(enough, CERTAIN).accused.all()
    assert not membership(short, CERTAIN).accused.any()


def test_who_is_unlikely_to_belong_is_not_accused_whatever_they_share() -> None:
    item = with_bits(judged(SCENE, range(8), 20, 20), network=12.0, payment=12.0)
    assert not membership(item, always(-3.0)).accused.any()


def test_evidence_of_an_account_leaves_out_what_is_unknown_and_starts_with_the_strongest() -> None:
    item = with_bits(judged(SCENE, range(8), 20, 20), content=2.0, network=7.0, payment=float("nan"))
    forest = Forest(
        features=("content", "network", "payment"), start=0.0, root=(0, 3, 6),
        feature=(0, -1, -1, 1, -1, -1, 2, -1, -1), threshold=(1.0, 0.0, 0.0, 3.0, 0.0, 0.0, 3.0, 0.0, 0.0),
        left=(1, 0, 0, 4, 0, 0, 7, 0, 0), right=(2, 0, 0, 5, 0, 0, 8, 0, 0), cover=(2.0, 1.0, 1.0) * 3,
        bits=(0.0, -2.0, 2.0, 0.0, -3.5, 3.5, 0.0, -1.0, 1.0),
    )  # fmt: skip
    reasons = membership(item, forest).evidence(0)
    assert [(reason.family, reason.bits) for reason in reasons] == [("network", 3.5), ("content", 2.0)]


def test_evidence_says_what_it_means_whichever_way_it_points() -> None:
    forest = Forest(
        features=("network",), start=0.0, root=(0,), feature=(0, -1, -1), threshold=(3.0, 0.0, 0.0),
        left=(1, 0, 0), right=(2, 0, 0), cover=(2.0, 1.0, 1.0), bits=(0.0, -1.0, 1.0),
    )  # fmt: skip
    item = judged(SCENE, range(8), 20, 20)
    (with_it,), (without,) = (membership(with_bits(item, network=b), forest).evidence(0) for b in (7.0, 0.0))
    assert (with_it.bits, without.bits) == (1.0, -1.0)
    assert "does not" in without.says
    assert "does not" not in with_it.says


def test_content_is_the_only_family_that_never_accuses() -> None:
    assert frozenset({"content"}) == CONTENT_FAMILIES
    assert OWN_ITEMS > 3


def test_an_account_judged_alone_has_evidence_too() -> None:
    members = np.zeros(len(SCENE.roster.node_size), dtype=bool)
    members[0] = True
    alone = Suspect(scene=SCENE, members=members, affinity=affinity((), members), found_in="volume", held_out_p={})
    found = membership(of_odds(alone, 0.0, 20.0, -60.0), load_weights().member)
    assert found.accused.tolist() == [True]
    assert isinstance(found.evidence(0), tuple)


def test_of_a_merely_coordinated_group_those_belong_whom_two_families_tie() -> None:
    item = judged(SCENE, range(8), 20)
    assert tied(with_bits(item, content=9.0, network=5.0, payment=4.0)).accused.all()
    for bits in ({"content": 12.0, "network": 12.0}, {"network": 12.0, "payment": 2.0}):
        assert not tied(with_bits(item, **bits)).accused.any()
    assert not tied(with_bits(judged(SCENE, range(8), 1.0), network=5.0, payment=5.0), least=0.9).accused.any()
