"""The client stacks of a world: user agent, TLS fingerprint and header order that belong together.

Popular stacks serve both sides. A stack has versions with the day each came out; accounts take a version up late, soon
or never. Nothing here knows who uses a stack.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

Kind = Literal["sdk", "browser", "agent", "raw", "gateway", "framework", "cloud"]


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """One client family on one runtime. ``user_agents`` are successive versions; ``days`` when each came out."""

    name: str
    kind: Kind
    popularity: float
    user_agents: tuple[str, ...]
    days: tuple[float, ...]
    ja4: str
    header_signature: str


def _ja4(runtime: str) -> str:
    digest = hashlib.blake2b(f"tls/{runtime}".encode(), digest_size=12).hexdigest()
    h1 = runtime.startswith(("curl-1", "requests", "go", "java"))
    alpn = "h1" if h1 else "h2"
    ciphers = 15 + int(digest[0], 16)
    return f"t13d{ciphers:02d}{10 + int(digest[1], 16) % 8:02d}{alpn}_{digest[:12]}_{digest[12:24]}"


def _headers(bundle: str) -> str:
    return hashlib.blake2b(f"headers/{bundle}".encode(), digest_size=8).hexdigest()


def _sdk(name: str, popularity: float, agent: str, versions: tuple[str, ...], runtimes: tuple[str, ...]) -> list[Stack]:
    days = (-60.0, -9.0, 4.5, 11.0)[: len(versions)]
    return [
        Stack(
            name=f"{name}-{runtime}",
            kind="sdk",
            popularity=popularity / (position + 1.5),
            user_agents=tuple(agent.format(version=version, runtime=runtime) for version in versions),
            days=days,
            ja4=_ja4(runtime),
            header_signature=_headers(name),
        )
        for position, runtime in enumerate(runtimes)
    ]


def _plain(kind: Kind, rows: tuple[tuple[str, float, str, str], ...]) -> list[Stack]:
    return [
        Stack(
            name=name,
            kind=kind,
            popularity=popularity,
            user_agents=tuple(agents.split("|")),
            days=(-60.0, 2.0, 9.0)[: agents.count("|") + 1],
            ja4=_ja4(runtime),
            header_signature=_headers(name),
        )
        for name, popularity, agents, runtime in rows
    ]


_PY = ("py3.11-linux", "py3.12-linux", "py3.10-linux", "py3.12-darwin", "py3.13-linux", "py3.11-windows")
_NODE = ("node20-linux", "node22-linux", "node18-linux", "node22-darwin", "bun1-linux")
_SDK = ("1.61.0", "1.64.2", "1.66.0", "1.68.1")
_BROWSER = "Mozilla/5.0 ({os}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36"


def _chrome(os: str) -> str:
    return "|".join(_BROWSER.format(os=os, v=version) for version in (144, 145, 146))


STACKS: tuple[Stack, ...] = tuple(
    _sdk("python-sdk", 22, "Meridian/Python {version} ({runtime})", _SDK, _PY)
    + _sdk("node-sdk", 12, "Meridian/JS {version} ({runtime})", ("0.52.0", "0.54.1", "0.55.0"), _NODE)
    + _sdk("compat-sdk", 12, "OpenAI/Python {version} ({runtime})", ("1.99.1", "2.3.0", "2.4.1"), _PY[:4])
    + _sdk("compat-node", 5, "OpenAI/JS {version} ({runtime})", ("5.10.1", "5.12.0"), _NODE[:2])
    + _plain(
        "raw",
        (
            ("curl", 2.5, "curl/8.5.0|curl/8.9.1", "curl-openssl3"),
            ("curl-old", 1.0, "curl/7.88.1", "curl-1"),
            ("requests", 4.0, "python-requests/2.31.0|python-requests/2.32.4", "requests-py311"),
            ("httpx", 2.0, "python-httpx/0.27.2|python-httpx/0.28.1", "httpx-py312"),
            ("aiohttp", 1.5, "Python/3.11 aiohttp/3.9.5|Python/3.11 aiohttp/3.11.2", "requests-aio"),
            ("go-http", 1.6, "Go-http-client/2.0", "go1.23"),
            ("okhttp", 0.8, "okhttp/4.12.0", "java21"),
            ("axios", 1.4, "axios/1.7.7|axios/1.8.2", "node20-axios"),
            ("php", 0.5, "GuzzleHttp/7", "curl-1-php"),
        ),
    )
    + _plain(
        "framework",
        (
            ("langchain", 2.5, "langchain-py/0.3.14 Meridian/Python 1.61.0|langchain-py/0.3.19", "py3.11-lc"),
            ("llamaindex", 0.8, "llama-index/0.12.8", "py3.11-li"),
            ("litellm", 2.2, "litellm/1.55.4|litellm/1.61.1", "httpx-litellm"),
            ("vercel-ai", 1.4, "ai/4.0.22 runtime/edge|ai/4.1.3 runtime/edge", "edge"),
            ("eval-harness", 0.7, "lm-eval/0.4.7 python-requests/2.32.4", "requests-py311"),
            ("n8n", 0.6, "n8n/1.74.1 axios/1.7.7", "node20-axios"),
        ),
    )
    + _plain(
        "gateway",
        (
            ("open-gateway", 1.0, "gateway/2.8.1 (+https)|gateway/2.9.0 (+https)", "go1.22-gw"),
            ("edge-worker", 0.8, "worker-fetch", "edge"),
            ("one-hub", 0.7, "Go-http-client/1.1", "go1.22"),
        ),
    )
    + _plain(
        "agent",
        (
            (
                "term-agent-linux",
                4.0,
                "quill-cli/1.9.3 (linux)|quill-cli/1.10.0 (linux)|quill-cli/1.11.2 (linux)",
                "node22",
            ),
            (
                "term-agent-mac",
                5.0,
                "quill-cli/1.9.3 (darwin)|quill-cli/1.10.0 (darwin)|quill-cli/1.11.2 (darwin)",
                "node22m",
            ),
            ("editor-agent", 3.5, "Harbor-Editor/0.44.9 (electron)|Harbor-Editor/0.45.3 (electron)", "electron"),
            ("open-agent", 1.2, "tinker-agent/0.8 python-httpx/0.28.1", "httpx-py312"),
        ),
    )
    + _plain(
        "browser",
        (
            ("chrome-win", 6.0, _chrome("Windows NT 10.0; Win64; x64"), "chrome"),
            ("chrome-mac", 4.0, _chrome("Macintosh; Intel Mac OS X 10_15_7"), "chrome"),
            ("chrome-android", 3.0, _chrome("Linux; Android 10; K"), "chrome-a"),
            ("safari-ios", 4.0, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) Safari/604.1", "safari"),
            (
                "safari-mac",
                2.0,
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.2 Safari/605.1.15",
                "safari",
            ),
            ("firefox", 2.0, "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0", "firefox"),
            ("edge-win", 2.0, _chrome("Windows NT 10.0; Win64; x64") + " Edg/144.0", "chrome"),
            ("mobile-app", 3.0, "Meridian/4.2 (iOS 18.2)|Meridian/4.3 (iOS 18.2)|Meridian/4.4 (iOS 18.3)", "cfnet"),
        ),
    )
    + _plain(
        "cloud",
        (
            ("boto3", 5.0, "Boto3/1.35.90 md/Botocore#1.35.90|Boto3/1.36.4 md/Botocore#1.36.4", "requests-boto"),
            ("aws-java", 1.0, "aws-sdk-java/2.29.1 md/io#sync", "java17"),
            (
                "vertex-py",
                3.0,
                "google-genai-sdk/1.0.0 gl-python/3.11|google-genai-sdk/1.2.0 gl-python/3.11",
                "py3.11-g",
            ),
            ("azure-py", 3.0, "AzureOpenAI/Python 1.58.1|AzureOpenAI/Python 1.60.0", "py3.11-linux"),
        ),
    )
)

OF_KIND: dict[str, tuple[int, ...]] = {
    kind: tuple(index for index, stack in enumerate(STACKS) if stack.kind == kind)
    for kind in ("sdk", "browser", "agent", "raw", "gateway", "framework", "cloud")
}
BY_NAME: dict[str, int] = {stack.name: index for index, stack in enumerate(STACKS)}
CLOUD_OF_PLATFORM = {"bedrock": ("boto3", "aws-java"), "vertex": ("vertex-py",), "azure": ("azure-py",)}
