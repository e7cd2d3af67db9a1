"""Who an account says it is: e-mail, payment, plan, verification. People, firms and rings draw from one stock.

Families and teams share cards, people use virtual cards, honest people have odd addresses too; nothing here is a
give-away by itself.
"""

from __future__ import annotations

import msgspec

from stillwatch.compose.dice import Dice

FREEMAIL = ("gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "proton.me", "qq.com", "163.com",
            "gmx.de", "web.de", "mail.ru", "yandex.ru", "orange.fr", "uol.com.br", "naver.com",
            "fastmail.com")  # fmt: skip
_WEIGHTS = (46, 9, 5, 6, 7, 4, 3, 2, 2, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1)
_LOCAL = {"DE": ("gmx.de", "web.de"), "CN": ("qq.com", "163.com"), "RU": ("mail.ru", "yandex.ru"), "FR": ("orange.fr",),
          "BR": ("uol.com.br",), "KR": ("naver.com",)}  # fmt: skip
_A = ("north", "blue", "lumen", "cedar", "orbit", "delta", "quartz", "maple", "harbor", "vector", "pixel",
      "river", "solar", "granite", "amber", "nova", "falcon", "copper", "cloud", "summit", "tidal", "ember",
      "linden", "kite")  # fmt: skip
_B = ("works", "labs", "soft", "data", "health", "media", "logic", "systems", "tech", "studio", "finance", "energy",
      "supply", "retail", "legal", "mobility", "foods", "analytics", "cargo", "robotics", "dental",
      "travel")  # fmt: skip
_TLD = ("com", "io", "ai", "co", "net", "dev", "org", "de", "co.uk", "com.br", "fr", "jp", "in", "app", "xyz")
PLANS = ("free", "trial", "pay_as_you_go", "enterprise", "education", "research", "startup")


class Signup(msgspec.Struct, frozen=True, kw_only=True):
    email_domain: str | None
    email_shape: str | None
    payment: str | None
    billing_country: str | None
    phone_country: str | None
    declared_org: str | None = None
    plan: str = "pay_as_you_go"
    verification: str = "payment"
    signup_address: str | None = None


def domain(dice: Dice) -> str:
    """A private domain: two words, now and then a figure."""
    tail = dice.pick(("", "", "", "2", "24", "hq"))
    return f"{dice.pick(_A)}{dice.pick(('', '', '-'))}{dice.pick(_B)}{tail}.{dice.pick(_TLD)}"


def firm(dice: Dice) -> str:
    """A legal entity's name."""
    form = dice.pick(("Inc", "Ltd", "GmbH", "SAS", "LLC", "Pty", "KK"))
    return f"{dice.pick(_A).title()} {dice.pick(_B).title()} {form}"


def freemail(dice: Dice, country: str) -> str:
    """A free provider, local ones where they are common."""
    if country in _LOCAL and dice.chance(0.3):
        return dice.pick(_LOCAL[country])
    return dice.weighted(FREEMAIL, _WEIGHTS)


def person_shape(dice: Dice) -> str:
    """The shape of a local part as people form it: names, initials, years, the odd handle."""
    first, last = dice.whole(3, 8), dice.whole(4, 10)
    form = dice.weighted(range(8), (22, 16, 13, 13, 9, 9, 9, 9))
    digits = dice.weighted((1, 2, 3, 4), (2, 5, 3, 3))
    return (
        f"a{first}.a{last}",
        f"a{first + last}",
        f"a{first + last}_9_{digits}",
        f"a{first}_9_{digits}",
        f"a{first}.a{last}_9_{digits}",
        f"a1.a{last}",
        f"a{first}_a{last}",
        f"a{dice.whole(4, 9)}_9_1_a{dice.whole(1, 4)}",
    )[form]


def machine_shape(dice: Dice, pattern: int) -> str:
    """One of the forms a generator produces; people who take the site's suggestion show the same ones."""
    return (
        f"a{dice.whole(9, 11)}_9_4",
        f"a{dice.whole(5, 7)}.a{dice.whole(5, 7)}_9_2",
        "a12",
        f"a{dice.whole(4, 6)}_9_6",
    )[pattern % 4]


def person(dice: Dice, country: str, payment: str | None = None) -> Signup:
    """A private person: freemail mostly, no card on a third of the accounts."""
    plan = dice.weighted(("free", "trial", "pay_as_you_go", "startup"), (24, 11, 62, 3))
    card = payment
    if card is None and plan not in ("free", "trial"):
        card = dice.token()
    billing = country if dice.chance(0.93) else dice.pick(("US", "GB", "SG", "DE"))
    return Signup(
        email_domain=freemail(dice, country) if dice.chance(0.74) else domain(dice),
        email_shape=person_shape(dice) if dice.chance(0.9) else machine_shape(dice, dice.whole(0, 3)),
        payment=card,
        billing_country=billing if card else None,
        phone_country=dice.weighted((country, None, "US"), (55, 40, 5)),
        plan=plan,
        verification=dice.weighted(("email", "phone", "payment"), (2, 4, 6))
        if card
        else dice.pick(("email", "email", "phone", "none")),
    )


def member(
    dice: Dice, country: str, site: str, card: str | None, declared: str | None, plan: str, verified: str
) -> Signup:
    """An account of an organisation's own domain."""
    return Signup(
        email_domain=site,
        email_shape=f"a{dice.whole(3, 8)}.a{dice.whole(4, 10)}" if dice.chance(0.85) else person_shape(dice),
        payment=card,
        billing_country=country if card else None,
        phone_country=None if dice.chance(0.6) else country,
        declared_org=declared,
        plan=plan,
        verification=verified,
    )


def created(dice: Dice, days: int) -> float:
    """Honest age in seconds from the start: two fifths within the last two months, a tail of years before."""
    if dice.chance(0.4):
        return dice.between(-40.0, days - 0.5) * 86_400.0
    return -dice.heavy(190.0, 1.0, 2.0, 1500.0) * 86_400.0
