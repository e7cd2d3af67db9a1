"""A tiny OpenID Connect provider over loopback HTTP: it checks what it is sent, and can be told to misbehave."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

CLIENT, SECRET, BACK = "stillwatch", "the client's secret", "http://127.0.0.1/back"


@functools.cache
def first_key() -> RSAKey:
    """Made once: it takes a moment."""
    return RSAKey.generate_key(2048, {"kid": "k1"})


class OidcProvider:
    """``claims`` and ``header`` change what its tokens say; ``signs_with`` what they are signed with."""

    def __init__(self, now: datetime) -> None:
        self.now, self.keys = int(now.timestamp()), {"k1": first_key()}
        self.signs_with: Any = self.keys["k1"]
        self.claims: dict[str, Any] = {"sub": "42", "preferred_username": "ann", "groups": ["staff", "sec"]}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "k1"}
        self.description: dict[str, Any] = {}
        self.status = 200
        self._codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_port}/realm"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def rotate(self) -> None:
        self.keys = {"k2": ECKey.generate_key("P-256", {"kid": "k2"})}
        self.signs_with, self.header = self.keys["k2"], {"alg": "ES256", "kid": "k2"}

    def visited(self, url: str, **changes: str) -> str:
        """What a browser brings back after somebody consented at ``url``."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["client_id"], asked["redirect_uri"]) == ("code", CLIENT, BACK)
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code{len(self._codes)}"
        self._codes[code] = asked
        return urlencode({"code": code, "state": asked["state"], "iss": self.issuer, **changes})

    def _described(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            **self.description,
        }

    def _token(self, form: dict[str, str], authorization: str | None) -> tuple[int, dict[str, Any]]:
        given = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization != f"Basic {given}":
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if asked is None or challenge.decode() != asked["code_challenge"] or form["redirect_uri"] != BACK:
            return 400, {"error": "invalid_grant"}
        times = {"iat": self.now, "exp": self.now + 300}
        claims = {"iss": self.issuer, "aud": CLIENT, "nonce": asked["nonce"], **times, **self.claims}
        told = {name: value for name, value in claims.items() if value is not None}
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": self._signed(told)}

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.signs_with is None:  # "alg": "none"
            parts = [json.dumps(part).encode() for part in (self.header, claims)]
            return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."
        return jwt.encode(self.header, claims, self.signs_with, algorithms=[self.header["alg"]])

    def _answer(self, path: str, form: dict[str, str], authorization: str | None) -> tuple[int, dict[str, Any]]:
        known: dict[str, Any] = {
            "/realm/.well-known/openid-configuration": lambda: (self.status, self._described()),
            "/realm/keys": lambda: (self.status, KeySet(list(self.keys.values())).as_dict(private=False)),
            "/realm/token": lambda: self._token(form, authorization) if self.status == 200 else (self.status, {}),
        }
        return known[path]()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(*provider._answer(self.path, {}, None))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self._send(*provider._answer(self.path, form, self.headers["Authorization"]))

            def _send(self, status: int, said: dict[str, Any]) -> None:
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                pass

        return Handler
