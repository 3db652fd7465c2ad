"""Faults done to the real program from outside, and what an outside ledger says was kept. See docs/faults.md."""
