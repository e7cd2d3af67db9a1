"""Detectors: each measures one thing about one cluster of accounts. Adding one is one file and one line here."""

from __future__ import annotations

from stillwatch.detectors.alone import ALONE
from stillwatch.detectors.cohesion import COHESION
from stillwatch.detectors.conversation import Rephrasing, SingleTurn
from stillwatch.detectors.exchangeable import Exchangeable
from stillwatch.detectors.held_out import HeldOut
from stillwatch.detectors.items import Partition, Resampling, Volume
from stillwatch.detectors.lexical import LEXICAL, Concentration
from stillwatch.detectors.openness import Declared, OneOrganisation
from stillwatch.detectors.output import EvenInput, EvenOutput, OutputLength, OutputRatio
from stillwatch.detectors.people import PEOPLE
from stillwatch.detectors.pivot import Pivot
from stillwatch.detectors.pool import AddressPool, Rented
from stillwatch.detectors.protocol import Detector, Measurement
from stillwatch.detectors.scale import AccountsRun, OneSetting
from stillwatch.detectors.schedule import FlatHours, LevelQuota, Synchrony
from stillwatch.detectors.sharing import HOPPING, SHARING, Agreement
from stillwatch.detectors.style import LengthSpread, LowerCase, SharedLayout, Wrapped
from stillwatch.detectors.succession import Failover, Replacement

RESALE: tuple[Detector, ...] = (*PEOPLE, HOPPING)
BUILTIN: tuple[Detector, ...] = (
    *SHARING,
    Agreement(),
    *COHESION,
    *ALONE,
    AddressPool(),
    Rented(),
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
    AccountsRun(),
    OneSetting(),
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
    *RESALE,
)

__all__ = ["BUILTIN", "Detector", "Measurement"]
