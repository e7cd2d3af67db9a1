"""From fingerprints to what one account did: the roster of accounts, the facts per exchange, profiles."""
