"""How HTTP works here: access, forms, errors, languages, headers, the frame of a page."""
