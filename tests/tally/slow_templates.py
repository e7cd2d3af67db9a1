"""Template mining as plainly as it can be said, to hold the fast pass against."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence

from stillwatch.tally.templates import JOIN_SHARE, MIN_TEXTS

Found = set[frozenset[int]]


def mine(rows: Sequence[tuple[int, Sequence[int]]]) -> Found:
    """The rows of each template; a row is (text, its sentences)."""
    texts: dict[int, set[int]] = defaultdict(set)
    for text, sentences in rows:
        for sentence in sentences:
            texts[sentence].add(text)
    kept = {sentence for sentence, own in texts.items() if len(own) >= MIN_TEXTS}
    uses: Counter[int] = Counter()
    pairs: Counter[tuple[int, int]] = Counter()
    for _, sentences in rows:
        own = [s for s in sentences if s in kept]
        uses.update(own)
        pairs.update((min(a, b), max(a, b)) for a, b in itertools.pairwise(own) if a != b)
    group = {sentence: sentence for sentence in kept}
    for (a, b), together in pairs.items():
        if together >= JOIN_SHARE * max(uses[a], uses[b]):
            old, new = group[a], group[b]
            group = {s: new if g == old else g for s, g in group.items()}
    found: dict[int, set[int]] = defaultdict(set)
    for number, (_, sentences) in enumerate(rows):
        for sentence in sentences:
            if sentence in kept:
                found[group[sentence]].add(number)
    return {frozenset(own) for own in found.values()}
