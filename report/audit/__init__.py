"""The page on a reader's own heads."""
