"""Members share values of one family that others do not: one detector per family.

Why harvesting looks like this: accounts of one operator are bought, paid, connected and scripted together. Who looks the
same and is innocent: a household's card, an office's address, a class signing up in one hour, customers of one product.
How it is avoided: one proxy, card, mailbox and script per account, each of which costs; hence one detector per family.
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


class Sharing(msgspec.Struct, frozen=True, kw_only=True):
    """Mean bits per informed member in one family, each member held against the others (leave-one-out)."""

    name: str
    family: str
    views: str  # the operator-facing name of what is shared
    needs: Sequence[str]
    axis: Axis = "operator"

    def measure(self, suspect: Suspect) -> Measurement | None:
        bits = suspect.affinity.by_family.get(self.family)
        if bits is None:
            return None
        own = bits[suspect.members]
        known = own[~np.isnan(own)]
        if len(known) < MIN_INFORMED:
            return None
        sharing = int((known >= SHARES_BITS).sum())
        says = f"{sharing} of {len(known)} members share {self.views} that few outside the group have"
        return Measurement(x=float(known.mean()), says=says, exchange_ids=suspect.examples(suspect.rows))


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
        name="shared_content", family="content", views="templates or a kind of prompt", needs=("prompt|system_prompt",)
    ),
    Sharing(
        name="shared_params", family="params", views="an unusual set of parameters", needs=("max_tokens|temperature",)
    ),
)
