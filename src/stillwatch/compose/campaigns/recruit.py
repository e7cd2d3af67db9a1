"""The accounts of a campaign: bought, generated, hijacked; how they pay, where they call from, with which client."""

from __future__ import annotations

import msgspec

from stillwatch.compose import habits, network
from stillwatch.compose.calendar import DAY_S
from stillwatch.compose.campaigns.plan import Plan
from stillwatch.compose.crowd import access, clients, found, platform
from stillwatch.compose.dice import Dice
from stillwatch.compose.habits import NEW_MODELS, Habit, ModelHabit
from stillwatch.compose.ledger import Account, Ledger
from stillwatch.compose.network import Egress
from stillwatch.compose.signup import (
    Signup,
    created,
    domain,
    firm,
    freemail,
    machine_shape,
    member,
    person,
    person_shape,
)


def plan_is_hijack(plan: Plan) -> bool:
    """Stolen accounts keep their owners, who go on calling from where they live."""
    return plan.tactic == "hacked_accounts"


class Recruiter:
    """What the operator holds in common, drawn once; ``account`` opens one more account out of it."""

    def __init__(self, ledger: Ledger, dice: Dice, plan: Plan, accounts: int) -> None:
        self._ledger, self._dice, self._plan = ledger, dice, plan
        self._countries = dice.sample(list(network.SHARES), dice.whole(1, 9))
        self._pool = self._shared_pool(accounts)
        assumed = ledger.suite.assumed
        width = assumed.accounts_per_card or dice.whole(3, 14)
        self._cards = [dice.token() for _ in range(max(1, accounts // width))]
        self._sites = [domain(dice) for _ in range(max(1, accounts // dice.whole(8, 60)))]
        self._pattern = dice.whole(0, 3)
        self._strays = dice.chance(0.55)
        self._programme = dice.pick(("education", "research", "startup")) if dice.chance(0.15) else None
        self._shells = {site: (firm(dice), dice.token(12)) for site in self._sites} if dice.chance(0.3) else {}
        self._slots = [dice.between(-25.0, 3.0) for _ in range(max(1, accounts // dice.whole(12, 60)))]
        self._habit = habits.own(dice)
        kinds = ("sdk", "raw", "framework", "sdk") if plan.turns[1] < 3 else ("sdk", "agent", "framework")
        if dice.chance(0.25):
            kinds = (*kinds, "browser")
        self._kinds = kinds
        self._stacks = clients(dice, "api", kinds, 1 if plan.clients == "one" else 4)
        self._platforms = ("api",) if plan.platforms == "api" else ("api", "bedrock", "vertex", "azure")
        self._models = habits.models(dice, ledger.calendar, 0.0)

    def _shared_pool(self, accounts: int) -> list[Egress]:
        dice, kind = self._dice, self._plan.infrastructure
        size = max(2, accounts // (self._ledger.suite.assumed.accounts_per_line or dice.whole(3, 12)))
        if kind == "hosting_pool":
            asns = tuple(asn for asn, _ in dice.sample(network.HOSTING, dice.whole(1, 3)))
            return [network.server(dice, dice.whole(1, 3), 86_400.0 * 3, asns) for _ in range(size)]
        if kind == "vpn":
            return dice.sample(self._ledger.shared.exits, dice.whole(2, 6))
        if kind == "cloud":
            return dice.sample(self._ledger.shared.clouds, dice.whole(2, 4))
        return [network.proxy_line(dice, dice.pick(self._countries)) for _ in range(size)]

    def _egress(self, country: str) -> tuple[Egress, ...]:
        dice, kind = self._dice, self._plan.infrastructure
        if kind == "mixture":
            kind = dice.pick(("private_pool", "residential", "vpn_any", "mobile_any"))
        if kind == "ordinary":
            return access(dice, self._ledger, country)
        if kind == "mobile_any":
            return (self._ledger.shared.carrier(dice, country),)
        if kind == "residential":
            return (network.proxy_line(dice, country),)
        if kind == "rotating6":
            line = network.home(dice, country)
            asn = line.asn
            return tuple(
                Egress(
                    network="residential",
                    asn=asn,
                    country=country,
                    prefix6=network.prefix48(dice, asn, country),
                    hold_s=7_200.0,
                )
                for _ in range(4)
            )
        if kind == "vpn_any":
            return (dice.pick(self._ledger.shared.exits),)
        ours = tuple(dice.sample(self._pool, dice.weighted((1, 2, 3), (5, 3, 2))))
        return (*access(dice, self._ledger, country), *ours) if plan_is_hijack(self._plan) else ours

    def _stray(self, country: str) -> tuple[Egress, ...]:
        """Other ways out an account is seen on: proxy sellers mix classes, operators look in by hand."""
        dice, shared = self._dice, self._ledger.shared
        ways = (
            shared.carrier(dice, country),
            dice.pick(shared.exits),
            network.home(dice, country),
            network.server(dice),
        )
        return tuple(dice.sample(ways, dice.whole(1, 2)))

    def _signup(self, country: str) -> Signup:
        dice, plan = self._dice, self._plan
        card = {"few_cards": dice.pick(self._cards), "none": None}.get(plan.payment, dice.token())
        base = person(dice, country, card)
        if plan.email == "catchall":
            site = dice.pick(self._sites)
            shell = self._shells.get(site)
            base = member(dice, country, site, card, shell[0] if shell else None, base.plan, base.verification)
        elif plan.email == "shape" and dice.chance(0.85):
            base = msgspec.structs.replace(
                base, email_domain=freemail(dice, country), email_shape=machine_shape(dice, self._pattern)
            )
        elif plan.email == "freemail":
            base = msgspec.structs.replace(base, email_shape=person_shape(dice))
        if self._programme and dice.chance(0.7):
            base = msgspec.structs.replace(base, plan=self._programme)
        if plan.payment == "none":
            return msgspec.structs.replace(
                base,
                payment=None,
                billing_country=None,
                plan=base.plan if base.plan == self._programme else dice.pick(("free", "trial")),
                verification=dice.pick(("email", "phone", "none")),
            )
        return msgspec.structs.replace(
            base,
            plan="pay_as_you_go" if base.plan in ("free", "trial") else base.plan,
            verification="phone" if dice.chance(0.25) else "payment",
        )

    def _born(self) -> float:
        dice, plan = self._dice, self._plan
        if plan.born == "aged":
            return created(dice, 1) if dice.chance(0.8) else -dice.heavy(400, 0.5) * DAY_S
        if plan.born == "spread":
            return dice.between(-45.0, 5.0) * DAY_S
        return (dice.pick(self._slots) + dice.heavy(0.02, 0.8, 0.0, 0.5)) * DAY_S

    def _habits(self) -> Habit:
        if self._plan.params == "fixed":
            return habits.fixed(self._habit.tuples[0])
        if self._plan.params == "jitter" and self._dice.chance(0.7):
            return habits.own(self._dice, self._habit.tuples[0])
        return habits.own(self._dice)

    def _model(self) -> ModelHabit:
        """Before the release like anyone; with a pivot, most accounts send a large share to the new model at once."""
        plan, dice, releases = self._plan, self._dice, self._ledger.calendar.releases
        if not plan.pivot:
            return self._models if dice.chance(0.6) else habits.models(dice, self._ledger.calendar, 0.05)
        moves = tuple(release + dice.between(0.005, 0.12) * DAY_S for release in releases)
        return ModelHabit(
            models=("meridian-large-3",),
            weights=(1.0,),
            moves_s=moves[: len(NEW_MODELS)],
            share=dice.between(0.5, 0.8),
        )

    def account(self, label: str, born_s: float | None = None) -> Account:
        dice, plan = self._dice, self._plan
        country = dice.pick(self._countries) if dice.chance(0.7) else network.country(dice)
        where = (
            "api" if self._platforms == ("api",) else platform(dice) if dice.chance(0.5) else dice.pick(self._platforms)
        )
        egress = self._egress(country)
        if self._strays and dice.chance(0.7):
            egress = (*egress, *self._stray(country))
        stacks = None
        if where == "api":
            own = clients(dice, "api", self._kinds)
            stacks = self._stacks[:1] if plan.clients == "one" else self._stacks if plan.clients == "few" else own
            if plan.clients == "few" and dice.chance(0.3):
                stacks = own
        account = found(
            self._ledger,
            dice,
            label,
            country=country,
            where=where,
            signup=self._signup(country),
            created_s=self._born() if born_s is None else born_s,
            stacks=stacks,
            kinds=self._kinds,
            egress=egress,
            habit=self._habits(),
            models=self._model(),
        )
        account.closed_s = None
        shell = self._shells.get(account.signup.email_domain or "")
        account.org = shell[1] if shell else None
        account.campaign = plan.name
        if dice.chance(0.5):
            signup_from = network.proxy_line(dice, country).addresses[0]
            account.signup = msgspec.structs.replace(account.signup, signup_address=signup_from)
        return account
