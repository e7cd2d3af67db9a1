"""Members rotate through the same addresses, and those are rented.

Why harvesting looks like this: a proxy pool gives every account many exits, and every exit many accounts; one office
or one campus gives everybody the same few. Who is innocent and looks the same: mobile carriers, evaluators on cloud
runners, people behind one commercial VPN. How it is avoided: by an exit of one's own per account, which costs.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis
from stillwatch.tally.rows import spans, tallied

MIN_NODES = 5
RENTED = ("hosting", "vpn")


class AddressPool(msgspec.Struct, frozen=True, kw_only=True):
    """log2 of (1 + addresses of a member that another member uses too), mean over members."""

    name: str = "address_pool"
    family: str = "pool"
    axis: Axis = "operator"
    needs: Sequence[str] = ("client_address",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        view = suspect.scene.view("address")
        if view is None or len(suspect.nodes) < MIN_NODES:
            return None
        ptr = view.matrix.indptr
        first, last = ptr[suspect.nodes], ptr[suspect.nodes + 1]
        address = view.matrix.indices[spans(first, last)]
        users = np.bincount(address, minlength=view.matrix.shape[1])
        with_others = np.concatenate([[0], np.cumsum(users[address] >= 2)])
        ends = np.cumsum(last - first)
        shared = with_others[ends] - with_others[ends - (last - first)]
        pool = int((users >= 2).sum())
        says = f"a member shares {shared.mean():.1f} addresses with other members, out of a pool of {pool}"
        return Measurement(x=float(np.log2(1 + shared).mean()), says=says, rows=suspect.examples(suspect.rows))


class Rented(msgspec.Struct, frozen=True, kw_only=True):
    """Share of the exchanges that come from hosting or VPN networks."""

    name: str = "rented_network"
    family: str = "network_class"
    axis: Axis = "operator"
    needs: Sequence[str] = ("client_network",)

    def measure(self, suspect: Suspect) -> Measurement | None:
        facts = suspect.scene.facts
        words = facts.words("network")
        uses = tallied(facts.word_codes("network"), suspect.rows, len(words))
        if uses.sum() < MIN_NODES:
            return None
        share = float(uses[[word in RENTED for word in words]].sum() / uses.sum())
        return Measurement(x=share, says=f"{share:.0%} of the exchanges come from hosting or VPN networks")
