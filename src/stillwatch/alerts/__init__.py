"""What people and monitoring are told: alerts and their channels, health, and metrics.

``alert`` says what is worth telling, ``outbox`` carries it through ``slack``, ``webhook`` and ``ndjson`` in the formats
of ``ecs`` and ``ocsf``; ``health`` and ``metrics`` say how fresh and how covered detection is. None of it decides
anything about an account.
"""
