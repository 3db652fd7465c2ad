"""The demo: three labs and a year of work, told as (instant, command) in order."""

from livinglab.demo.telling import is_loaded, load, sign_in_lines

__all__ = ["is_loaded", "load", "sign_in_lines"]
