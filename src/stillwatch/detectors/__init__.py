"""Detectors: each measures one thing about one cluster of accounts. Adding one is one file and one line here."""

from __future__ import annotations

from stillwatch.detectors.conversation import Rephrasing, SingleTurn
from stillwatch.detectors.exchangeable import Exchangeable
from stillwatch.detectors.held_out import HeldOut
from stillwatch.detectors.items import Partition, Resampling, Volume
from stillwatch.detectors.lexical import LEXICAL, Concentration
from stillwatch.detectors.openness import Declared, OneOrganisation
from stillwatch.detectors.output import EvenInput, EvenOutput, OutputLength, OutputRatio
from stillwatch.detectors.people import HumanTouch, KindsPerAccount, ManyPeople
from stillwatch.detectors.pivot import Pivot
from stillwatch.detectors.protocol import Detector, Measurement
from stillwatch.detectors.schedule import FlatHours, LevelQuota, Synchrony
from stillwatch.detectors.sharing import SHARING, Agreement
from stillwatch.detectors.style import LengthSpread, LowerCase, SharedLayout, Wrapped
from stillwatch.detectors.succession import Failover, Replacement

BUILTIN: tuple[Detector, ...] = (
    *SHARING,
    Agreement(),
    HeldOut(),
    Exchangeable(),
    LevelQuota(),
    Synchrony(),
    Failover(),
    Replacement(),
    Pivot(),
    Declared(),
    OneOrganisation(),
    Partition(),
    Resampling(),
    Volume(),
    SingleTurn(),
    Rephrasing(),
    LengthSpread(),
    LowerCase(),
    SharedLayout(),
    Wrapped(),
    FlatHours(),
    OutputLength(),
    OutputRatio(),
    EvenInput(),
    EvenOutput(),
    *LEXICAL,
    Concentration(),
    ManyPeople(),
    KindsPerAccount(),
    HumanTouch(),
)

__all__ = ["BUILTIN", "Detector", "Measurement"]
