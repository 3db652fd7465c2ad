"""The board of a lab's ideas."""

from livinglab.pipeline.queries.board.choices import Choices, Named, board_choices, typical_days
from livinglab.pipeline.queries.board.page import board
from livinglab.pipeline.queries.board.shapes import SHOWS, Amount, Board, BoardCard, BoardFilter, Column
from livinglab.pipeline.queries.board.walking import PARTS

__all__ = [
    "PARTS",
    "SHOWS",
    "Amount",
    "Board",
    "BoardCard",
    "BoardFilter",
    "Choices",
    "Column",
    "Named",
    "board",
    "board_choices",
    "typical_days",
]
