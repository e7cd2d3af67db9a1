"""The suites: one frozen struct of knobs each. Adding a suite is one entry."""

from __future__ import annotations

import msgspec


class Assumed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What nobody has published about campaigns, set for all of a world's groups; None: drawn per campaign.

    ``accounts_per_card`` (1: a card each), ``accounts_per_line`` of the operator's pool of ways out (1: one each),
    ``replacement_lag_h``: median hours until a closed account's work goes on, where a quarter of them are closed,
    ``life_days``: median days that an account is worked.
    """

    accounts_per_card: int | None = None
    accounts_per_line: int | None = None
    replacement_lag_h: float | None = None
    life_days: float | None = None

    def axes(self) -> dict[str, object]:
        """The plan's axes that follow."""
        found: dict[str, object] = {}
        if self.accounts_per_card is not None:
            found["payment"] = "own" if self.accounts_per_card <= 1 else "few_cards"
        if self.accounts_per_line is not None:
            found["infrastructure"] = "residential" if self.accounts_per_line <= 1 else "private_pool"
        if self.replacement_lag_h is not None:
            found |= {"bans": 0.25, "life": "whole"}
        if self.life_days is not None:
            found["life"] = "short"
        return found


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """What a world contains. Counts are of the whole world; ``None`` means the composer draws it from the seed.

    ``blend`` is the share of organic exchanges on campaign accounts (None: drawn per campaign). ``tactics`` restricts
    the campaigns to these (empty: every tactic not held out); ``look_alikes`` likewise. ``null_columns`` are blanked in
    the exchanges, ``null_account_columns`` in the accounts; ``features_only`` is the share of accounts without text.
    ``assumed`` sets what is otherwise drawn per campaign because it is not public.
    """

    name: str
    exchanges: int = 250_000
    accounts: int = 9_000
    days: int | None = None
    campaigns: tuple[int, int] = (10, 13)
    campaign_share: tuple[float, float] = (0.10, 0.14)
    traffic_share: tuple[float, float] = (0.15, 0.26)
    resale_pools: int = 2
    coordinated: int = 1
    tactics: tuple[str, ...] = ()
    held_out_tactics: tuple[str, ...] = ()
    look_alikes: tuple[str, ...] = ()
    blend: float | None = None
    only_sources: tuple[str, ...] = ()
    held_out_sources: tuple[str, ...] = ()
    wrapper_bank: str = "a"
    null_columns: tuple[str, ...] = ()
    null_account_columns: tuple[str, ...] = ()
    with_accounts: bool = True
    features_only: float = 0.0
    assumed: Assumed = Assumed()


NETWORK = (
    "client_address",
    "client_asn",
    "client_country",
    "client_network",
    "ja4",
    "header_signature",
    "user_agent",
)
HELD_OUT_TACTICS = ("self_instruct", "self_play", "preference_pairs")
# Prompt sources of the corpus that only ``unfamiliar`` harvests from.
UNFAMILIAR_SOURCES = (
    "alpaca_generation_requests",
    "toolalpaca",
    "moss_plugins",
    "moss_harmless_a",
    "llava_gpt4_requests",
)
_FULL = Suite(name="full", held_out_tactics=HELD_OUT_TACTICS, held_out_sources=UNFAMILIAR_SOURCES)


def _like_full(name: str, **changes: object) -> Suite:
    return msgspec.structs.replace(_FULL, name=name, **changes)


def _scenario(name: str, tactics: tuple[str, ...], **changes: object) -> Suite:
    """A published campaign's shape amid all look-alikes (THREATS 3C)."""
    usual: dict[str, object] = {"campaign_share": (0.05, 0.1), "resale_pools": 1, "coordinated": 0}
    return msgspec.structs.replace(_FULL, name=name, tactics=tactics, **{**usual, **changes})


_ALL = (
    _FULL,
    _like_full("demo", exchanges=25_000, accounts=1_200, campaigns=(3, 3), resale_pools=0, coordinated=0, days=14),
    _like_full("small", exchanges=40_000, accounts=2_000, campaigns=(5, 7), resale_pools=1, days=14),
    _like_full("honest", campaigns=(0, 0), resale_pools=0, coordinated=0),
    _like_full("no_network", null_columns=NETWORK),
    _like_full("features_only", features_only=0.4),
    _like_full("blend80", blend=0.8),
    _like_full("no_signup", null_account_columns=("created_at", "signup_address")),
    _like_full("no_accounts", with_accounts=False),
    _like_full(
        "unfamiliar",
        tactics=HELD_OUT_TACTICS,
        held_out_tactics=(),
        only_sources=UNFAMILIAR_SOURCES,
        held_out_sources=(),
        wrapper_bank="b",
        campaigns=(7, 10),
    ),
    _scenario("precision_reasoning", ("precision_reasoning",), campaigns=(2, 3)),
    _scenario("broad_multimodal", ("broad_multimodal",), campaigns=(1, 2)),
    _scenario("bulk_agentic", ("bulk_agentic", "agentic_trajectories"), campaigns=(2, 2)),
    _scenario(
        "trace_coercion", ("trace_coercion",), campaigns=(1, 2), campaign_share=(0.01, 0.03), traffic_share=(0.03, 0.06)
    ),
    _scenario("signup_wave", ("signup_wave",), campaigns=(1, 2), campaign_share=(0.08, 0.16)),
    _scenario("slow_thin", ("slow_thin",), campaigns=(2, 3), campaign_share=(0.03, 0.06)),
    _scenario("mixed_reseller", ("coding_sweep", "reasoning_sweep"), campaigns=(1, 2), resale_pools=5, blend=0.8),
    _like_full(
        "arena_base", campaigns=(0, 0), resale_pools=1, coordinated=0, exchanges=120_000, accounts=4_500, days=21
    ),
)

SUITES: dict[str, Suite] = {suite.name: suite for suite in _ALL}
