"""The demo: three labs and a year of work, told as (instant, command) in order."""

from livinglab.demo.telling import load

__all__ = ["load"]
