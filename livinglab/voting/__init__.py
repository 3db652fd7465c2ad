"""Support for ideas, and the threshold that opens a review."""
