"""From facts to clusters of accounts under one operator: views, communities, a permutation null, refinement."""
