"""The story, a person's notices, and what a mail says."""

from livinglab.notices.queries.inbox import NoticeShown, notices_of, unread_count
from livinglab.notices.queries.mails import DigestIdea, MailContent, mail_content
from livinglab.notices.queries.story import StoryEntry, story, told_read

__all__ = [
    "DigestIdea",
    "MailContent",
    "NoticeShown",
    "StoryEntry",
    "mail_content",
    "notices_of",
    "story",
    "told_read",
    "unread_count",
]
