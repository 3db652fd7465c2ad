"""Everything the page of a gate asks for."""

from livinglab.pipeline.queries.review.deciders import Possible, may_see_gate, possible_leads
from livinglab.pipeline.queries.review.gate import gate_page
from livinglab.pipeline.queries.review.parts import (
    benefits_of,
    idea_behind,
    must_hear,
    named_step,
    title_of,
)
from livinglab.pipeline.queries.review.shapes import GatePage

__all__ = [
    "GatePage",
    "Possible",
    "benefits_of",
    "gate_page",
    "idea_behind",
    "may_see_gate",
    "must_hear",
    "named_step",
    "possible_leads",
    "title_of",
]
