"""The HTTP service: who may ask what, and the answers. It decides nothing; ``live`` does."""
