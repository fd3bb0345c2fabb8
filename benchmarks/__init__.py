"""What the project costs, measured: one module for each question. See README.md."""
