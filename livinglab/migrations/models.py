"""Every table there is, so that the metadata is whole."""

from livinglab.core import files, journal, mail, runs
from livinglab.handoff import models as handoff
from livinglab.ideas import models as ideas
from livinglab.labs import models as labs
from livinglab.moderation import models as moderation
from livinglab.notices import models as notices
from livinglab.people import models as people
from livinglab.pipeline import models as pipeline
from livinglab.voting import models as voting
from livinglab.web import limits

TABLES_OF = (
    files,
    journal,
    mail,
    runs,
    people,
    labs,
    ideas,
    voting,
    moderation,
    handoff,
    pipeline,
    notices,
    limits,
)
