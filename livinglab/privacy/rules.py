"""What a person takes along: which rows of which tables are theirs, and what is left out, with its reason.

Tables go by name: some belong to rooms above this one. A test holds the list against the schema, so that a
new column which points at a person is decided about. Source: rule P6.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that are a person's own.

    Args:
        by: Columns that name the person; one of them is enough.
        only: Columns that are given; all of them, where it is empty. Where the person only acted on what is
            somebody else's, their act is given and not the other's words.
        without: Columns never given: secrets, and what the machine notes for itself.
        through: Another table that names the person, and the column here that leads to its id.
        by_address: Whether ``by`` holds an address instead of the person's number.
    """

    name: str
    title: object
    table: str
    by: tuple[str, ...]
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    through: tuple[str, str] | None = None
    by_address: bool = False


_IDEA = ("id", "lab_id", "title", "language", "stage", "activity")
PARTS: tuple[Part, ...] = (
    Part(
        "account", _l("Your account"), "person", ("id",),
        without=("password_hash", "mail_key", "is_demo", "demo_line"),
    ),
    Part("devices", _l("Where you are signed in"), "device", ("person_id",), without=("token_hash",)),
    Part("links", _l("Links we mailed you"), "one_time_link", ("person_id",), without=("token_hash",)),
    Part("roles", _l("Your roles"), "role_grant", ("person_id",)),
    Part("unit_seats", _l("Receiving units you belong to"), "unit_member", ("person_id",)),
    Part(
        "units_kept", _l("Receiving units you answer for"), "receiving_unit", ("owner_id", "deputy_id"),
        only=("id", "lab_id", "name", "owner_id", "deputy_id"),
    ),
    Part(
        "invitations_to_me", _l("Invitations to you"), "invitation", ("accepted_by",), without=("token_hash",)
    ),
    Part(
        "invitations_waiting", _l("Invitations to you"), "invitation", ("email",), without=("token_hash",),
        by_address=True,
    ),
    Part(
        "invitations_by_me", _l("Invitations you sent"), "invitation", ("invited_by",),
        without=("token_hash", "email"),
    ),
    Part("ideas", _l("Your ideas"), "idea", ("author_id",), without=("claim_hash", "ring", "glance")),
    Part("versions", _l("Versions you wrote"), "idea_version", ("person_id",)),
    Part("ideas_led", _l("Ideas you lead"), "idea", ("lead_id",), only=_IDEA),
    Part("comments", _l("Your comments"), "comment", ("author_id",)),
    Part(
        "comments_answered", _l("Problems you answered"), "comment", ("resolved_by",),
        only=("id", "idea_id", "resolved_at", "resolution"),
    ),
    Part("credits", _l("What you are credited for"), "credit", ("person_id",)),
    Part("supports", _l("What you support"), "support", ("person_id",)),
    Part("supports_given", _l("When you gave support"), "support_given", ("person_id",)),
    Part("follows", _l("What you follow"), "follow", ("person_id",)),
    Part("notices", _l("Notices to you"), "notice", ("person_id",)),
    Part("daily_mails", _l("Daily mails to you"), "digest_sent", ("person_id",)),
    Part(
        "mails", _l("Mails to you"), "outbox_mail", ("person_id",),
        only=("id", "address", "language", "kind", "created_at", "sent_at", "given_up_at"),
    ),
    Part("pictures", _l("Your pictures"), "stored_file", ("person_id",)),
    Part("reports", _l("What you reported"), "report", ("person_id",)),
    Part("decided_about_me", _l("What was decided about your texts"), "moderation_decision", ("author_id",)),
    Part("appeals", _l("Your appeals"), "appeal", ("person_id",)),
    Part("suspensions", _l("Times you were suspended"), "suspension", ("person_id",), without=("key",)),
    Part("moderated", _l("What you decided as a moderator"), "moderation_decision", ("by_id",)),
    Part(
        "appeals_decided", _l("Appeals you decided"), "appeal", ("decided_by",),
        only=("id", "decision_id", "lab_id", "outcome", "reasons", "decided_at"),
    ),
    Part(
        "challenges", _l("Challenges you answer for"), "challenge",
        ("responsible_id", "deputy_id", "created_by"),
        only=("id", "lab_id", "title", "state", "responsible_id", "deputy_id", "created_by", "created_at"),
    ),
    Part("evidence", _l("Evidence you gave"), "evidence", ("person_id",)),
    Part("reviews", _l("Reviews you opened"), "review", ("opened_by",)),
    Part("proposals", _l("Decisions you proposed"), "proposal", ("by_id",)),
    Part(
        "proposals_settled", _l("Proposals you confirmed or returned"), "proposal", ("settled_by",),
        only=("id", "review_id", "version", "state", "settled_at", "return_note"),
    ),
    Part(
        "decisions", _l("Decisions you signed"), "gate_decision", ("proposed_by", "confirmed_by")
    ),
    Part("handoffs_routed", _l("Handoffs you routed"), "handoff", ("routed_by",)),
    Part(
        "handoffs_held", _l("Handoffs in your hands"), "handoff", ("assignee_id",),
        without=("note", "rings_at"),
    ),
    Part("answers", _l("Answers you signed"), "answer", ("signer_id",)),
    Part(
        "answers_seconded", _l("Answers you confirmed or returned"), "answer", ("second_id",),
        only=("id", "handoff_id", "idea_id", "kind", "published_at", "returned_note"),
    ),
    Part("notes", _l("Notes you wrote to colleagues"), "handoff_note", (), through=("event_id", "event")),
    Part("journal", _l("All you have done here"), "event", ("actor_id",), without=("subject_id",)),
)  # fmt: skip

LEFT_OUT: dict[tuple[str, str], str] = {
    (
        "role_grant",
        "granted_by",
    ): "what a manager gave somebody else is that person's; the act is in the journal",
    ("role_grant", "ended_by"): "the same",
    ("unit_member", "added_by"): "the same",
    ("suspension", "ended_by"): "the same",
    ("moderation_case", "held_by"): "for five minutes; what was decided is kept with the decision",
}
"""Columns that point at a person and are no way into what is theirs, and why."""

SECRET = ("hash", "key", "secret", "token")
"""No column whose name ends like this is given: somebody who finds the file could act with it."""
EXCEPT = ("stored_file.key",)
"""The name of a picture's file, which everybody reads in its address."""
STRANGERS = ("_id", "_ids", "_by")
"""Values in the journal's data that end like this may be other people's numbers; they are left out."""
