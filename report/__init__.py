"""What is shown: the page, its figures and its formulas."""

from report import matplotlib_alone

matplotlib_alone.load()
