"""Other people's methods on the worlds Stillwatch is measured on: one file each, one small interface, one table.

``protocol.py`` says what a peer is, ``log.py`` what it may see, ``tuning.py`` how all are tuned alike, ``measure.py``
how all are measured alike. A new peer is a file and a line in ``registry.py``; the contract tests pick it up. Needs
the extra ``bench``.
"""
