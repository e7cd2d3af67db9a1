"""Scripts in order; a script that was released never changes."""
