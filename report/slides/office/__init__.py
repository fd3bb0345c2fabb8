"""PowerPoint's side of a deck: an empty deck in the report's looks, and what is drawn on its slides."""
