"""Writes of ideas: drafts, publication, versions, conversation, following, credits, index."""

from livinglab.ideas.commands.drafts import (
    claim_drafts,
    drop_draft,
    mark_for_sending,
    purge_drafts,
    save_draft,
    start_draft,
)
from livinglab.ideas.commands.following import (
    credit,
    follow_idea,
    forget_next_step,
    mark_late,
    pass_ball,
    set_due,
    unfollow_idea,
)
from livinglab.ideas.commands.indexing import reindex_all, reindex_idea
from livinglab.ideas.commands.publishing import (
    call_back_idea,
    hand_in,
    leave_idea,
    publish_idea,
    put_back,
    set_publication,
    take_back_idea,
    withdraw_idea,
)
from livinglab.ideas.commands.talking import (
    delete_comment,
    edit_comment,
    publish_comment,
    resolve_problem,
    set_comment_publication,
    write_comment,
)
from livinglab.ideas.commands.versions import approve_version, edit_idea, refuse_version

__all__ = [
    "approve_version",
    "call_back_idea",
    "claim_drafts",
    "credit",
    "delete_comment",
    "drop_draft",
    "edit_comment",
    "edit_idea",
    "follow_idea",
    "forget_next_step",
    "hand_in",
    "leave_idea",
    "mark_for_sending",
    "mark_late",
    "pass_ball",
    "publish_comment",
    "publish_idea",
    "purge_drafts",
    "put_back",
    "refuse_version",
    "reindex_all",
    "reindex_idea",
    "resolve_problem",
    "save_draft",
    "set_comment_publication",
    "set_due",
    "set_publication",
    "start_draft",
    "take_back_idea",
    "unfollow_idea",
    "withdraw_idea",
    "write_comment",
]
