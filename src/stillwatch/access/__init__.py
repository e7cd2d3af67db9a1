"""Who may do what: tokens, people, logins and the audit log. Time and chance are handed in."""
