"""The report as slides: one outline of records, written as a PowerPoint file and as a page to present from."""
