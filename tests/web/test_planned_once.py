"""SQLite plans a statement once for each connection, however often it runs."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from livinglab.pipeline.models import Proposal, ProposalState

RUNS = 6


@pytest.fixture
def replanned(database):
    """Return a function that tells the statements planned anew each time they ran, by their words."""

    def told():
        with database.reading() as session:
            raw = session.connection().connection.driver_connection
            try:
                return [sql for (sql,) in raw.execute("SELECT sql FROM sqlite_stmt WHERE reprep >= 3")]
            except raw.OperationalError:
                pytest.skip("this SQLite does not tell how often it planned a statement")

    return told


@pytest.mark.one_database("sqlite")
def test_no_statement_of_a_page_hangs_on_a_bound_value(client, sign_in, make, replanned):
    lab = make.lab()
    idea, lead = make.idea(lab=lab), make.lead(lab)
    sign_in(client, lead)
    for address in (
        "/",
        "/ideas",
        f"/ideas/{idea.id}",
        f"/ideas/{idea.id}/gate",
        "/work",
        "/board",
        "/handoffs",
    ):
        for _ in range(RUNS):
            assert client.get(address).status_code == 200, address
    assert replanned() == []


@pytest.mark.one_database("sqlite")
def test_a_bound_value_that_an_index_names_is_noticed(database, replanned):
    state: Any = col(Proposal.state)
    query = sa.select(col(Proposal.id)).where(
        col(Proposal.review_id) == 1, state == sa.bindparam("state", type_=state.type)
    )
    for _ in range(RUNS):
        with database.reading() as session:
            session.execute(query, {"state": ProposalState.OPEN}).all()
    assert len(replanned()) == 1
