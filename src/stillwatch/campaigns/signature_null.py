"""Does a signature tell its campaign from everybody else? Asked of the very window it was made in, when it is made.

Every other account of the window is held against the signature. A few pass: accounts of the same operator that the
mining did not find. Where more pass than that can explain, the campaign's own bar is raised until they no longer do;
where then too few of its members would pass either, each as if it had been left out, it recognises nobody live.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.signature import Census, Signature, Worth, sign
from stillwatch.campaigns.traits import FAMILIES, NAMES, OF_ACCOUNTS, VIEWS
from stillwatch.campaigns.weighing import Weighing

Bool = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.float32]
BY_CHANCE = 2e-4  # of the others: so many may pass
UNFOUND = 1.0  # accounts of the operator that the mining missed, per member it found
LEAST_MEMBERS = 3
LEAST_POWER = 0.1  # share of the members that would be recognised, for live recognition to be worth anything


def signatures(
    census: Census, members: Mapping[str, Bool], possible: Mapping[str, Bool], weighing: Weighing
) -> dict[str, Signature]:
    """Signatures of a mining's campaigns, checked.

    ``members``, ``possible``: bool[accounts] by campaign id, of accused and of other accounts on the
    roster. Cost: the values of every view, once for each campaign.
    """
    count = len(census.node)
    anyone = np.zeros(count, dtype=bool)
    for mask in [*members.values(), *possible.values()]:
        anyone |= mask
    found: dict[str, Signature] = {}
    for name, mask in members.items():
        signature, worth = sign(census, name, mask, anyone & ~mask)
        found[name] = checked(census, signature, worth, mask, ~anyone, weighing)
    return found


def checked(
    census: Census, signature: Signature, worth: Sequence[Worth], members: Bool, others: Bool, weighing: Weighing
) -> Signature:
    """The signature with its own bar, or with the reason why it is not used."""
    best = _in_window(census, signature, worth, members)
    odds = weighing.log_odds(best)
    allowed = int(BY_CHANCE * others.sum() + UNFOUND * members.sum())
    passing = np.sort(odds[others & (odds >= weighing.act_bits)])[::-1]
    bar = weighing.act_bits if len(passing) <= allowed else float(passing[allowed]) + 1e-3
    power = float((odds[members] >= bar).mean()) if members.any() else 0.0
    if members.sum() < LEAST_MEMBERS:
        why = f"{int(members.sum())} accounts leave too little to recognise others by"
    elif power < LEAST_POWER:
        why = f"only {power:.0%} of its own accounts would be recognised by what the others share"
    else:
        why = ""
    return msgspec.structs.replace(signature, least_bits=round(bar, 3), separates=not why, says=why)


def _in_window(census: Census, signature: Signature, worth: Sequence[Worth], members: Bool) -> Bits:
    """float32[accounts, families]: best bits of everybody; of members as though each had been left out."""
    best = np.zeros((len(members), len(FAMILIES)), dtype=np.float32)
    for one in worth:
        held, place = one.held, one.place
        length = held.start[place + 1] - held.start[place]
        value = np.repeat(np.arange(len(place)), length)
        first = np.repeat(held.start[place] - np.concatenate([[0], np.cumsum(length)[:-1]]), length)
        account = held.account[first + np.arange(len(value))]
        bits = np.where(members[account], one.own[value], one.bits[value])
        np.maximum.at(best[:, FAMILIES.index(VIEWS[NAMES[held.number]])], account, bits)
    for family in OF_ACCOUNTS:
        place, lacking = FAMILIES.index(family), signature.absent.get(family, 0.0)
        informed = np.zeros(len(members), dtype=bool)
        for held in census.held:
            if VIEWS[NAMES[held.number]] == family:
                informed |= held.informed
        best[:, place] = np.where(informed & (best[:, place] == 0), np.float32(lacking), best[:, place])
    return best
