"""Who may do what: tokens, people, logins and the audit log. Functions over the store; time and chance are handed in."""
