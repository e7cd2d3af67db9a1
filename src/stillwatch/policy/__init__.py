"""Rules as code: from what is known of accounts to decisions, undoing them, and what they would have done. Pure."""
