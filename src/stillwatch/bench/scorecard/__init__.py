"""The bench by which Stillwatch is judged: what runs, how it is counted, and the scorecard that says so."""
