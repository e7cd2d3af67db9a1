"""A closed loop in simulated time: an operator harvests, a provider scans and enforces, the operator reacts."""
