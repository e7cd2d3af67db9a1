"""The first administrator: nobody could let anybody in before there is one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from stillwatch.access.passwords import Passwords
from stillwatch.access.sessions import add_person
from stillwatch.clock import now
from stillwatch.store.protocol import Store

NAME, VARIABLE = "admin", "STILLWATCH_ADMIN_PASSWORD"


def first_administrator(store: Store, passwords: Passwords, environ: Mapping[str, str]) -> str:
    """Makes ``admin`` where nobody may log in yet. What to tell whoever started the service; empty where nothing.

    The password is that of the environment, or one that is made and said once.
    """
    if store.people():
        return ""
    given = environ.get(VARIABLE)
    password = given or secrets.token_urlsafe(18)
    add_person(store, passwords, now(), name=NAME, role="admin", password=password)
    store.append_audit(now(), "start", "person.add", NAME, {"role": "admin"})
    if given:
        return f"first start: {NAME} may log in with the password of {VARIABLE}"
    return f"first start: log in as {NAME} with the password {password} (shown once; change it)"
