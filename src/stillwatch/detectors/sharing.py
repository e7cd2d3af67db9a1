"""Members share values of one family that others do not: one detector per family, and how many families agree.

Why harvesting looks like this: accounts of one operator are bought, paid, connected and scripted together. Who looks
the same and is innocent: a household's card, an office's address, a class signing up in one hour, customers of one
product. How it is avoided: one proxy, card, mailbox and script per account, each of which costs; hence one detector
per family.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from stillwatch.detectors.protocol import Measurement
from stillwatch.detectors.suspect import Suspect
from stillwatch.model import Axis

MIN_INFORMED = 3
SHARES_BITS = 3.0
# a household of three shares everything too: sharing counts by how many members do, 1 at sixteen
SIZE_UNIT = 4.0
MOST_SIZE = 1.6  # a population is not a better cluster than a cluster


def _size(sharing: int) -> float:
    return float(min(np.log2(1 + sharing) / SIZE_UNIT, MOST_SIZE))


class Sharing(msgspec.Struct, frozen=True, kw_only=True):
    """Mean bits per informed member in one family (each held against the others), times log16 of how many share."""

    name: str
    family: str
    views: str  # the operator-facing name of what is shared
    needs: Sequence[str]
    axis: Axis = "operator"
    of: str = ""  # the family of views, where the detector's own family has another name

    def measure(self, suspect: Suspect) -> Measurement | None:
        own = suspect.own_bits.get(self.of or self.family)
        if own is None:
            return None
        known = own[~np.isnan(own)]
        if len(known) < MIN_INFORMED:
            return None
        sharing = int((known >= SHARES_BITS).sum())
        says = f"{sharing} of {len(known)} members share {self.views} that few outside the group have"
        x = float(known.mean()) * _size(sharing)
        return Measurement(x=x, says=says, rows=suspect.examples(suspect.rows))


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Families in which a member shares, mean over members, times log16 of the members that share in two or more."""

    name: str = "families_agree"
    family: str = "agreement"
    axis: Axis = "operator"
    needs: Sequence[str] = ()

    def measure(self, suspect: Suspect) -> Measurement | None:
        known = suspect.own_bits
        if len(known) < 3 or len(suspect.nodes) < MIN_INFORMED:
            return None
        agree = (np.stack(list(known.values())) >= SHARES_BITS).sum(axis=0)  # what is unknown is not more than anything
        several = int((agree >= 2).sum())
        x = float(agree.mean()) * _size(several)
        says = f"{several} of {len(agree)} members are tied to the group in two or more independent ways"
        return Measurement(x=x, says=says, rows=suspect.examples(suspect.rows))


SHARING: tuple[Sharing, ...] = (
    Sharing(name="shared_payment", family="payment", views="payment instruments", needs=("payment_token",)),
    Sharing(name="shared_network", family="network", views="addresses or prefixes", needs=("client_address",)),
    Sharing(
        name="shared_client",
        family="client",
        views="an unusual client stack",
        needs=("ja4|header_signature|user_agent",),
    ),
    Sharing(
        name="shared_signup",
        family="signup",
        views="a sign-up slot, mail domain or sign-up address",
        needs=("created_at|email_domain|signup_address",),
    ),
    Sharing(
        name="shared_sessions",
        family="session",
        views="credentials, conversations or end users",
        needs=("key_id|conversation_id|end_user_id",),
    ),
    Sharing(
        name="shared_content",
        family="content",
        views="templates or a kind of prompt",
        needs=("prompt|system_prompt|tool_names",),
    ),
    Sharing(
        name="shared_params", family="params", views="an unusual set of parameters", needs=("max_tokens|temperature",)
    ),
)

# Strangers' conversations that move between accounts are what a reseller's balancer leaves behind.
HOPPING = Sharing(
    name="sessions_move",
    family="hopping",
    views="conversations, end users or credentials",
    needs=("key_id|conversation_id|end_user_id",),
    axis="resale",
    of="session",
)
