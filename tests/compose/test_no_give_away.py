"""No single aggregate of an account may tell campaign from honest: a shallow tree on each stays under AUC 0.9."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from aggregates import of_accounts, of_exchanges
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from stillwatch.compose import World, compose

LIMIT = 0.9


def _one(world: World) -> tuple[dict[str, np.ndarray], np.ndarray]:
    ids, found = of_exchanges(world.exchanges)
    assert world.accounts is not None
    found |= of_accounts(world.accounts, ids)
    truth = zip(world.truth_accounts["account_id"].to_pylist(), world.truth_accounts["kind"].to_pylist(), strict=True)
    kinds = dict(truth)
    return found, np.array([kinds[account] == "campaign" for account in ids])


def separations(worlds: list[World]) -> dict[str, float]:
    """Cross-validated AUC of a balanced depth-2 tree on each aggregate alone, over all worlds together."""
    parts = [_one(world) for world in worlds]
    labels = np.concatenate([part[1] for part in parts])
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    found = {}
    for name in parts[0][0]:
        values = np.nan_to_num(np.concatenate([part[0][name] for part in parts]), nan=-1.0)[:, None]
        tree = DecisionTreeClassifier(max_depth=2, class_weight="balanced", random_state=0, min_samples_leaf=5)
        scores = cross_val_predict(tree, values, labels, cv=folds, method="predict_proba")[:, 1]
        found[name] = float(roc_auc_score(labels, scores))
    return found


def _assert_mild(found: dict[str, float]) -> None:
    assert len(found) >= 40
    loud = {name: round(value, 3) for name, value in found.items() if value > LIMIT}
    assert not loud, f"these aggregates give the label away: {loud}"


def test_no_single_account_aggregate_gives_a_label_away() -> None:
    _assert_mild(separations([compose("small", seed, exchanges=9_000) for seed in (11, 12)]))


def test_the_check_sees_a_column_that_gives_the_label_away() -> None:
    world = compose("demo", 5, exchanges=2_500)
    truth = zip(world.truth_accounts["account_id"].to_pylist(), world.truth_accounts["kind"].to_pylist(), strict=True)
    kinds = dict(truth)
    told = pa.array(
        [int(kinds[account] == "campaign") for account in world.exchanges["account_id"].to_pylist()], pa.int64()
    )
    place = world.exchanges.schema.get_field_index("max_tokens")
    leaking = dataclasses.replace(world, exchanges=world.exchanges.set_column(place, "max_tokens", told))
    found = separations([leaking])
    assert found["max_tokens.mean"] > LIMIT
    with pytest.raises(AssertionError, match=r"max_tokens\.mean"):
        _assert_mild(found)


@pytest.mark.slow
def test_no_aggregate_gives_a_label_away_with_the_corpus_either() -> None:
    corpus = Path(os.environ.get("STILLWATCH_CORPUS", Path(__file__).parents[3] / "shared" / "data"))
    if not corpus.is_dir():
        pytest.skip("no prompt corpus: set STILLWATCH_CORPUS")
    _assert_mild(separations([compose("full", seed, corpus, exchanges=120_000) for seed in (21, 22)]))
