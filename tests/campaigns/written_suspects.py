"""Suspects and verdict odds set by hand, over scenes built through the real stages."""

from __future__ import annotations

from collections.abc import Iterable

from built_scenes import Row, exchange, scene_of, suspect_of
from stillwatch.campaigns.judge import Judged
from stillwatch.campaigns.weights import probability
from stillwatch.detectors.suspect import Scene, Suspect


def crowd(count: int = 24, plans: dict[str, str] | None = None, organisation: Iterable[int] = ()) -> Scene:
    """Accounts ``a00``.. with three exchanges each, two neighbours to an address; some of one declared organisation."""
    rows: list[Row] = []
    for i in range(count):
        rows += [exchange(3 * i + j, f"a{i:02d}", i + j, client_address=f"203.0.113.{i // 2}", prompt=f"About {i} {j}?")
                 for j in range(3)]  # fmt: skip
    within = set(organisation)
    side = [
        {
            "account_id": f"a{i:02d}",
            "plan": (plans or {}).get(f"a{i:02d}"),
            "declared_org": "an organisation" if i in within else None,
        }
        for i in range(count)
    ]
    return scene_of(rows, side)


def numbered(numbers: Iterable[int]) -> list[str]:
    return [f"a{i:02d}" for i in numbers]


def judged(
    scene: Scene, numbers: Iterable[int], operator: float = -9, harvest: float = -9, resale: float = -9
) -> Judged:
    """Odds per axis, with a confidence that is that of the weaker axis."""
    return of_odds(suspect_of(scene, numbered(numbers)), operator, harvest, resale)


def of_odds(suspect: Suspect, operator: float, harvest: float, resale: float) -> Judged:
    confidence = {"extraction": probability(min(operator, harvest)), "resale": probability(min(operator, resale))}
    return Judged(suspect=suspect, operator=operator, harvest=harvest, resale=resale, confidence=confidence)
