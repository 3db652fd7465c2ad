"""The forms of accounts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileRequired

from livinglab.people.models import BIO_MAX, NAME_MAX, TITLE_MAX
from livinglab.web.forms import Choice, Email, Form, Line, Password, Picture, Radios, Text, Tick
from livinglab.web.locale import NAMES

LANGUAGE_CHOICES = tuple(NAMES.items())
PASSWORD_HINT = _l("At least 10 characters. A sentence is easier to remember than a word.")
FATE = (("keep", _l("Keep it, signed “Former participant”")), ("blank", _l("Take my words away")))


class SignInForm(Form):
    """Address and password."""

    email = Email(_l("E-mail address"))
    password = Password(_l("Password"))


class LinkForm(Form):
    """Only the address: a link comes by mail."""

    email = Email(_l("E-mail address"))


class RegisterForm(Form):
    """A new account. The label of ``of_age`` is set with the instance's age limit."""

    name = Line(
        _l("Your name"), max_length=NAME_MAX, description=_l("You choose for each idea whether it is shown.")
    )
    email = Email(_l("E-mail address"), description=_l("Never shown to anybody."))
    password = Password(
        _l("Password"),
        required=False,
        description=_l("At least 10 characters. Leave it empty to sign in by a link we mail you each time."),
    )
    language = Choice(_l("Language"), LANGUAGE_CHOICES)
    of_age = Tick("", required=True)


class NewPasswordForm(Form):
    """A new password, by a mailed link."""

    password = Password(_l("New password"), description=PASSWORD_HINT)


class ProfileForm(Form):
    """How one is shown and spoken to."""

    name = Line(_l("Your name"), max_length=NAME_MAX)
    pseudonym = Line(
        _l("Pseudonym"),
        max_length=NAME_MAX,
        required=False,
        description=_l("A name you can choose for an idea or a comment in place of your own."),
    )
    title = Line(
        _l("Title at work"),
        max_length=TITLE_MAX,
        required=False,
        description=_l("Stands beside your name where you act for the lab or your unit."),
    )
    bio = Text(_l("A few words about you"), max_length=BIO_MAX, required=False)
    language = Choice(_l("Language of pages and mails"), LANGUAGE_CHOICES)
    digest = Tick(_l("Mail me once a day when something happens with what I follow"))


class PhotoForm(Form):
    """A photo in place of initials."""

    image = Picture(
        _l("Choose a picture"),
        description=_l("JPEG, PNG or WebP. Where and when it was taken is removed."),
        validators=[FileRequired(_l("Choose a picture first."))],
    )


class OwnForm(Form):
    """A form that asks for the present password, where there is one."""

    @property
    def typed_password(self) -> str:
        """Return what was typed as the present password."""
        return str(self.current.data or "") if "current" in self else ""

    def ask(self, *, has_password: bool) -> None:
        """Ask for the present password, or leave the question out."""
        if has_password:
            self.current.flags.required = True
        else:
            del self.current


class PasswordForm(OwnForm):
    """A new password; ``current`` is only asked where there is one."""

    current = Password(_l("Present password"), required=False)
    password = Password(_l("New password"), description=PASSWORD_HINT)


class AddressForm(OwnForm):
    """Another address; ``current`` is only asked where there is a password."""

    email = Email(_l("New e-mail address"))
    current = Password(_l("Your password"), required=False, id="current-for-address")


class OwnDataForm(OwnForm):
    """Taking one's data along: whoever borrows a browser may not."""

    current = Password(_l("Your password"), required=False)


class DeleteForm(OwnForm):
    """Deleting the account: what becomes of what was published, and a plain yes."""

    published = Radios(_l("What you have published"), FATE)
    current = Password(_l("Your password"), required=False)
    sure = Tick(_l("I want to delete my account. I know that it cannot be undone."), required=True)
