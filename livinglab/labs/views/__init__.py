"""Pages of the labs room, by blueprint."""

from livinglab.labs.views import admin, challenges, editing, front, invitations, labs, setup, team

BLUEPRINTS = (
    front.bp,
    labs.bp,
    challenges.bp,
    setup.bp,
    team.bp,
    editing.bp,
    invitations.bp,
    admin.bp,
)
