"""Pages of the pipeline: the gate, decisions, the board, and each one's own work."""

from livinglab.pipeline.views import board as _board
from livinglab.pipeline.views import carry as _carry
from livinglab.pipeline.views import gate as _gate
from livinglab.pipeline.views import work as _work
from livinglab.pipeline.views.room import bp
from livinglab.pipeline.views.work import bp as work_bp

__all__ = ["_board", "_carry", "_gate", "_work", "bp", "work_bp"]
