"""Large databases and what is measured on them."""
