"""Text of composed worlds: a grammar of our own, the corpus where one is given, wrappers and replies."""
