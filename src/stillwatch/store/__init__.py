"""What the live service remembers besides tallies: campaigns, decisions, policies, people, the audit log."""
