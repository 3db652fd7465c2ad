"""The site map: parts of a bounded size, with what is public and nothing else."""

from __future__ import annotations

import re

import pytest

from livinglab.ideas.models import Activity, Publication
from livinglab.labs.models import ChallengeState
from livinglab.web.views import pages


def addresses(client, path):
    """Return the paths an answer names."""
    found = re.findall(r"<loc>http://localhost([^<]*)</loc>", client.get(path).text)
    return [one or "/" for one in found]


def test_the_index_leads_to_every_public_idea_once_and_to_nothing_hidden(client, make, monkeypatch):
    monkeypatch.setattr(pages, "IDEAS_A_PART", 3)
    lab = make.lab("fjellvik")
    public = [make.idea(lab).id for _ in range(4)]
    for state in (Publication.DRAFT, Publication.PENDING, Publication.HIDDEN, Publication.REMOVED):
        make.idea(lab, publication=state)
    make.idea(lab, activity=Activity.WITHDRAWN)
    public += [make.idea(lab).id]
    open_one, draft = make.challenge(lab), make.challenge(lab, state=ChallengeState.DRAFT)
    parts = addresses(client, "/sitemap.xml")
    assert parts == [f"/sitemap-{n}.xml" for n in range(5)]
    named = [path for part in parts for path in addresses(client, part)]
    assert [path for path in named if path.startswith("/ideas/")] == [f"/ideas/{n}" for n in public]
    assert {"/", "/labs", "/labs/fjellvik", f"/challenges/{open_one.id}"} <= set(named)
    assert f"/challenges/{draft.id}" not in named
    assert all(client.get(path).status_code == 200 for path in named)


@pytest.mark.parametrize("part", ["1", "5", "999999999", "9999999999999", "-1"])
def test_a_part_that_is_none_is_not_there(client, part):
    assert addresses(client, "/sitemap.xml") == ["/sitemap-0.xml"]
    assert client.get(f"/sitemap-{part}.xml").status_code == 404


def test_one_part_reads_its_own_span_only(client, make, monkeypatch):
    """However many ideas there are, an answer holds at most so many."""
    monkeypatch.setattr(pages, "IDEAS_A_PART", 2)
    lab = make.lab()
    ids = [make.idea(lab).id for _ in range(5)]
    assert addresses(client, "/sitemap-2.xml") == [f"/ideas/{n}" for n in ids[2:4]]
