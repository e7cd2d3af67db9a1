"""Every detector keeps the seam's promises, and the suite that says so catches detectors that do not."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from stillwatch.detectors import BUILTIN, Detector, Measurement
from stillwatch.detectors.check import check_detector
from stillwatch.detectors.suspect import Scene, Suspect
from stillwatch.model import Axis

KNOWN = {  # promises not yet kept
    "many_people_per_account": "adds up the columns there are, so that an unknown column counts as zero",
    "not_many_people_per_account": "as many_people_per_account",
}


def known(detector: Detector) -> object:
    reason = KNOWN.get(detector.name)
    marks = [pytest.mark.xfail(reason=reason, strict=False)] if reason else []
    return pytest.param(detector, id=detector.name, marks=marks)


@pytest.mark.parametrize("detector", [known(detector) for detector in BUILTIN])
def test_a_detector_keeps_the_seam_s_promises(detector: Detector, little_scene: Scene) -> None:
    check_detector(detector, [little_scene])


def test_names_are_unique_and_a_family_stays_on_one_axis() -> None:
    names = [detector.name for detector in BUILTIN]
    assert len(set(names)) == len(names)
    for family in {d.family for d in BUILTIN}:
        assert len({d.axis for d in BUILTIN if d.family == family}) == 1


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """Keeps every promise; each broken one below differs from it in one thing."""

    name: str = "sound"
    family: str = "test"
    axis: Axis = "harvest"
    needs: Sequence[str] = ("output_tokens",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        tokens = suspect.column("output_tokens", suspect.rows)
        if not len(tokens):
            return None
        return Measurement(x=float(tokens.mean()), says="mean of answers", rows=suspect.examples(suspect.rows))


class Throwing(Sound, frozen=True, kw_only=True):
    """Throws dice."""

    def measure(self, suspect: Suspect) -> Measurement | None:
        found = super().measure(suspect)
        return found and msgspec.structs.replace(found, x=time.perf_counter_ns() * 1.0)


class Accusing(Sound, frozen=True, kw_only=True):
    """Shows exchanges of somebody else."""

    def measure(self, suspect: Suspect) -> Measurement | None:
        found = super().measure(suspect)
        everybody = np.arange(len(suspect.scene.facts))
        return found and msgspec.structs.replace(found, rows=suspect.examples(everybody))


class NotANumber(Sound, frozen=True, kw_only=True):
    def measure(self, suspect: Suspect) -> Measurement | None:
        found = super().measure(suspect)
        return found and msgspec.structs.replace(found, x=found.x * float("nan"))


class Mute(Sound, frozen=True, kw_only=True):
    def measure(self, suspect: Suspect) -> Measurement | None:
        found = super().measure(suspect)
        return found and msgspec.structs.replace(found, says=" ")


class Talkative(Sound, frozen=True, kw_only=True):
    def measure(self, suspect: Suspect) -> Measurement | None:
        found = super().measure(suspect)
        return found and msgspec.structs.replace(found, rows=tuple(suspect.rows.tolist()))


class ZeroForUnknown(Sound, frozen=True, kw_only=True):
    def measure(self, suspect: Suspect) -> Measurement | None:
        found = super().measure(suspect)
        return found or (Measurement(x=0.0, says="no answers") if len(suspect.rows) else None)


class OfNobody(Sound, frozen=True, kw_only=True):
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        return Measurement(x=float(len(suspect.rows)), says="so many exchanges")


class FirstComeFirst(Sound, frozen=True, kw_only=True):
    """Looks at the first member only."""

    def measure(self, suspect: Suspect) -> Measurement | None:
        found = super().measure(suspect)
        first = suspect.scene.rows_of(suspect.accounts[:1])
        return found and msgspec.structs.replace(found, x=float(suspect.scene.facts.at_us[first].mean() % 1e9))


class Remembering(Sound, frozen=True, kw_only=True):
    seen: list[int] = []

    def measure(self, suspect: Suspect) -> Measurement | None:
        self.seen.append(1)
        found = super().measure(suspect)
        return found and msgspec.structs.replace(found, x=float(len(self.seen)))


class Meddling(Sound, frozen=True, kw_only=True):
    """Sorts out a member before it looks."""

    def measure(self, suspect: Suspect) -> Measurement | None:
        suspect.members[np.flatnonzero(suspect.members)[-1:]] = False
        return super().measure(suspect)


class Raw(Sound, frozen=True, kw_only=True):
    def measure(self, suspect: Suspect) -> Measurement | None:
        found = super().measure(suspect)
        return found and found.x  # type: ignore[return-value]


def test_a_sound_detector_passes(little_scene: Scene) -> None:
    check_detector(Sound(), [little_scene])


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (Throwing(), "twice"),
        (Accusing(), "not shown"),
        (NotANumber(), "finite"),
        (Mute(), "says"),
        (Talkative(), "examples"),
        (ZeroForUnknown(), "unknown"),
        (OfNobody(), "nobody"),
        (FirstComeFirst(), "order of the accounts"),
        (Remembering(), "twice"),
        (Meddling(), "(twice|changes)"),
        (Raw(), "not a Measurement"),
        (Sound(name="Not A Name"), "name"),
        (Sound(axis="guilt"), "axis"),  # type: ignore[arg-type]
        (Sound(needs=("prompts",)), "no table"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_broken_detector_is_caught(broken: Detector, promise: str, little_scene: Scene) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_detector(broken, [little_scene])


def test_a_detector_that_imports_another_is_caught(little_scene: Scene) -> None:
    from leaning_detector import Leaning

    with pytest.raises(AssertionError, match=r"imports another detector: stillwatch\.detectors\.items"):
        check_detector(Leaning(), [little_scene])
