"""What detectors measure by a short cut, the long way: from the rows of one suspect, with numpy's own functions."""

from __future__ import annotations

import numpy as np

from stillwatch.detectors import succession
from stillwatch.detectors.suspect import ENRICHED_SHARE, Suspect


def harvest(suspect: Suspect) -> tuple[np.ndarray, bool]:
    facts, rows = suspect.scene.facts, suspect.rows
    marked = np.zeros(len(rows), dtype=bool)
    for name in suspect.scene.content_index:
        at, value = suspect.scene.values_of(name, rows)
        marked[at[np.isin(value, suspect.affinity.enriched.get(name, []))]] = True
    found = rows[marked]
    if len(found) < max(3, ENRICHED_SHARE * int(facts.has_prompt[rows].sum())):
        return rows, False
    key = facts.key("conversation_key")
    opened = np.unique(key[found])
    followed = np.isin(key[rows], opened[opened > 0])
    return np.union1d(found, rows[followed]), True


def item_counts(suspect: Suspect) -> tuple[np.ndarray, np.ndarray]:
    facts, rows = suspect.scene.facts, suspect.harvest_rows
    rows = rows[facts.has_prompt[rows] & facts.opening[rows] & ~facts.failed[rows]]
    text, node = facts.key("text_key")[rows], suspect.scene.roster.node[facts.account[rows]]
    texts, times = np.unique(text, return_counts=True)
    return np.array([len(np.unique(node[text == one])) for one in texts], dtype=np.int64), times


def distinct_per_account(suspect: Suspect, values: np.ndarray) -> float | None:
    facts, rows = suspect.scene.facts, suspect.rows
    rows = rows[values[rows] > 0]
    if len(rows) < 12:
        return None
    own = [values[rows[facts.account[rows] == one]] for one in np.unique(facts.account[rows])]
    index = [len(np.unique(seen)) / np.log2(len(seen) + 1) for seen in own if len(seen) >= 2]
    return float(np.mean(index)) if index else None


def interchangeable(suspect: Suspect) -> float | None:
    facts, rows = suspect.scene.facts, suspect.harvest_rows
    rows = rows[facts.has_prompt[rows] & facts.opening[rows]]
    own = [facts.gist[rows[facts.account[rows] == one][:24]] for one in np.unique(facts.account[rows])]
    own = [points.astype(np.float64) for points in own if len(points) >= 2]
    if len(own) < 4:
        return None
    n, k, size = sum(map(len, own)), len(own), np.array([len(points) for points in own])
    grand = np.concatenate(own).mean(axis=0)
    within = sum(float(((points - points.mean(axis=0)) ** 2).sum()) for points in own) / max(1, n - k)
    between = sum(len(points) * float(((points.mean(axis=0) - grand) ** 2).sum()) for points in own) / (k - 1)
    typical = (n - (size**2).sum() / n) / (k - 1)
    return -float(np.clip((between - within) / (between + (typical - 1) * within + 1e-12), -0.2, 1.0))


def address_pool(suspect: Suspect) -> float | None:
    view = suspect.scene.view("address")
    if view is None or len(suspect.nodes) < 5:
        return None
    block = np.asarray((view.matrix[suspect.nodes] > 0).todense())
    return float(np.log2(1 + block[:, block.sum(axis=0) >= 2].sum(axis=1)).mean())


def failovers(suspect: Suspect) -> np.ndarray:
    facts, rows = suspect.scene.facts, suspect.rows
    text = facts.key("text_key")[rows]
    order = np.lexsort((facts.at_us[rows], text))
    rows, text = rows[order], text[order]
    same = (text[1:] == text[:-1]) & (text[1:] > 0)
    other = facts.account[rows[1:]] != facts.account[rows[:-1]]
    soon = facts.at_us[rows[1:]] - facts.at_us[rows[:-1]] < succession.FAILOVER_S * 1_000_000
    return rows[:-1][same & other & soon & facts.failed[rows[:-1]]]


def rephrasing(suspect: Suspect) -> float | None:
    facts, rows = suspect.scene.facts, suspect.harvest_rows
    rows = rows[facts.has_prompt[rows]]
    if len(rows) < 12:
        return None
    close = alike = 0
    for before, after in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True):
        if facts.account[before] == facts.account[after] and facts.at_us[after] - facts.at_us[before] < 900_000_000:
            close += 1
            other = facts.key("text_key")[before] != facts.key("text_key")[after]
            alike += bool(other and float(facts.gist[before] @ facts.gist[after]) > 0.8)
    return -alike / max(1, close)


def synchrony(suspect: Suspect) -> float | None:
    rows, facts = suspect.harvest_rows, suspect.scene.facts
    if len(rows) < 48 or len(suspect.accounts) < 5:
        return None
    hour = facts.hour[rows] - int(facts.hour[rows].min())
    width = int(hour.max()) + 1
    active = np.bincount(np.unique(facts.account[rows] * width + hour) % width, minlength=width).astype(np.float64)
    of_day = np.arange(width) % 24
    expected = (np.bincount(of_day, active) / np.maximum(np.bincount(of_day), 1))[of_day]
    return float(np.log2(((active - expected) ** 2).sum() / max(expected.sum(), 1.0) + 0.05))


def swept_template(suspect: Suspect) -> float | None:
    facts, rows = suspect.scene.facts, suspect.harvest_rows
    rows = rows[facts.has_prompt[rows]]
    if len(rows) < 12:
        return None
    texts: dict[int, set[int]] = {}
    at, template = suspect.scene.values_of("template", rows)
    for i, one in zip(at.tolist(), template.tolist(), strict=True):
        texts.setdefault(one, set()).add(int(facts.key("text_key")[rows[i]]))
    swept = {i for i, one in zip(at.tolist(), template.tolist(), strict=True) if len(texts[one]) >= 10}
    return len(swept) / len(rows)
