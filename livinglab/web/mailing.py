"""How a mail of the outbox becomes a message: its template, in the person's language."""

from __future__ import annotations

from email.message import EmailMessage

from flask import current_app, render_template
from flask_babel import force_locale

from livinglab.core.mail import OutboxMail, compose
from livinglab.web.database import settings
from livinglab.web.locale import written_as


def link(path: str) -> str:
    """Return the whole address of a path: from the settings, never from a request's Host."""
    return settings().base_url.rstrip("/") + path


def render_mail(mail: OutboxMail, content: object = None) -> EmailMessage:
    """Render ``templates/mail/<kind>.txt`` and ``.html``; the first line of the text is the subject.

    Args:
        content: What the mail tells, where it is read from the journal when it is delivered.
    """
    config = settings()
    values = {
        **mail.data,
        "mail": mail,
        "link": link,
        "site_name": config.site_name,
        "lang": mail.language,
        "content": content,
        "day_of": mail.created_at,
    }
    with current_app.test_request_context(base_url=config.base_url), force_locale(written_as(mail.language)):
        subject, _rule, text = render_template(f"mail/{mail.kind}.txt", **values).strip().partition("\n")
        html = render_template(f"mail/{mail.kind}.html", subject=subject, **values)
    unsubscribe = mail.data.get("unsubscribe")
    return compose(
        mail,
        sender=config.mail_from,
        host=config.host,
        subject=subject,
        text=text.strip() + "\n",
        html=html,
        unsubscribe=link(unsubscribe) if unsubscribe else None,
    )
