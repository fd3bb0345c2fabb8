// Stands in the page's head: its fonts are inside the page, so they can be ready before the first line is drawn.
// Without it they are loaded when a line first needs them, and formulas move a little once theirs is there.
"use strict";

for (const face of document.fonts) face.load();
