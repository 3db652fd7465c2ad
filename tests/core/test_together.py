"""What is read together is what each would have read alone, on both databases."""

import pytest
import sqlalchemy as sa
from sqlmodel import col

from livinglab.core.together import Read, together
from livinglab.ideas.models import Idea, IdeaCount
from livinglab.labs.models import Lab

NAMES = ("id", "title", "stage", "lead_id", "published_at", "hold_until", "wants_publishing")


def ideas(**values):
    one = sa.bindparam("lab_id", type_=sa.Integer)
    query = (
        sa.select(*(getattr(Idea, name) for name in NAMES), col(Lab.languages), col(IdeaCount.supports))
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .outerjoin(IdeaCount, col(IdeaCount.idea_id) == col(Idea.id))
        .where(col(Idea.lab_id) == one)
        .order_by(col(Idea.title).desc())
    )
    return Read(query, values, lambda rows: [tuple(row) for row in rows])


def test_values_come_back_as_their_types_and_rows_in_their_order(session, make, noon):
    lab = make.lab()
    for title in ("Bålplass", "Ærlig “sitat” \\ og ny linje\n", "Trapp 雪"):
        make.idea(lab, title=title, hold_until=noon.date(), published_at=noon.replace(microsecond=120_000))
    make.idea(lab, title="Uten dato")
    read = ideas(lab_id=lab.id)
    alone = read.alone(session)
    assert len(alone) == 4
    assert together(session, read, read) == (alone, alone)


def test_nothing_found_is_an_empty_list(session, make):
    assert together(session, ideas(lab_id=make.lab().id)) == ([],)


@pytest.mark.parametrize("kind", [sa.Float(), sa.Numeric(), sa.LargeBinary(), sa.Interval()])
def test_what_json_does_not_give_back_as_it_was_is_not_read_together(session, kind):
    read = Read(sa.select(sa.cast(sa.null(), kind).label("value")), {}, list)
    with pytest.raises(TypeError, match="does not come back"):
        together(session, read)


def test_one_name_cannot_stand_for_two_values(session):
    with pytest.raises(ValueError, match="one name"):
        together(session, ideas(lab_id=1), ideas(lab_id=2))
