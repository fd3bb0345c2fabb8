"""What is run: one module per experiment with its grid beside it, and the machinery that runs them all."""
