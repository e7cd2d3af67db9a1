"""Look-alike classes: honest accounts that resemble harvesting, one function each."""
