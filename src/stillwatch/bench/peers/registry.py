"""Every peer. Adding one is a file and a line."""

from __future__ import annotations

from stillwatch.bench.peers.cosine import Cosine
from stillwatch.bench.peers.evilcohort import EvilCohort
from stillwatch.bench.peers.fraudar import Fraudar
from stillwatch.bench.peers.honeypot import Honeypot
from stillwatch.bench.peers.isolation import Isolation
from stillwatch.bench.peers.minhash import MinHashes
from stillwatch.bench.peers.mmd import Mmd, MmdPermuted
from stillwatch.bench.peers.prada import Prada
from stillwatch.bench.peers.protocol import Peer

BUILTIN: tuple[Peer, ...] = (
    Honeypot(),
    Isolation(),
    Prada(),
    Mmd(),
    MmdPermuted(),
    Fraudar(),
    EvilCohort(),
    Cosine(),
    MinHashes(),
)
