"""What is shown: the page, its figures and its formulas."""
