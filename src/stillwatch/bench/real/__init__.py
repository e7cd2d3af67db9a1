"""Real, published, labelled accounts put through the operator axis alone. The data are fetched by whoever runs it."""
