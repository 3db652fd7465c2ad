"""The receiving queue, its clock and the answers."""
