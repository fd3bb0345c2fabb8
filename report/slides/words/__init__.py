"""The page's HTML as runs of text and as plain text: what PowerPoint, notes and text alternatives are written in."""
