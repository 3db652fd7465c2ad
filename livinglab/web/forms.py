"""Forms: fields that clean what is typed, say what is wrong in plain words, and keep it.

Each function below makes one WTForms field; limits come from the room's models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask import Flask, abort, g, request
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    EmailField,
    Field,
    FloatField,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    URLField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length, NumberRange, Optional, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from livinglab.core.errors import Refused
from livinglab.core.text import clean, clean_line
from livinglab.web.locale import language, time_zone

Choices = Sequence[tuple[str, object]]
MISSING = _l("Fill this in.")
CHOOSE = _l("Choose one.")
TICK = _l("Tick this to go on.")


class Form(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    """A form with CSRF. A refusal by a command is shown at its field, or on top."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """Only text reaches a field, and files only a field for files.

        JSON would bring values of any kind at any depth, and a file sent under the name of a text is none.
        """

        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """Return what was sent for the fields of this form; of a body of JSON nothing."""
            if request.is_json:
                return None
            sent = super().wrap_formdata(form, formdata)
            if not isinstance(sent, CombinedMultiDict):
                return sent
            files = {field.name for field in form if isinstance(field, FileField)}
            meant = [one for one in request.files.items(multi=True) if one[0] in files]
            return CombinedMultiDict([request.form, MultiDict(meant)])

    refused: Refused | None = None
    form_errors: list[Any]

    @contextmanager
    def catching(self) -> Iterator[None]:
        """Turn a refusal (409, 429) into an error of the form; 403 and 404 stay what they are."""
        try:
            yield
        except Refused as problem:
            if problem.status in (403, 404):
                raise
            self.refused = problem
            self.add_problem(problem)

    def add_problem(self, problem: Refused) -> None:
        """Show a refusal, and what is wrong besides, at its field; without one, on top of the form."""
        for one in (problem, *problem.also):
            field = self._fields.get(one.field or "")
            if field is None:
                self.form_errors = [*self.form_errors, one.reason]
            else:
                field.errors = [*field.errors, one.reason]

    @property
    def failed(self) -> bool:
        """Say whether it was sent and something was wrong."""
        return bool(self.is_submitted() and (self.errors or self.refused))


class ActionForm(Form):
    """A button without fields: only the CSRF token."""

    @classmethod
    def require(cls) -> None:
        """Refuse the request unless the page's own button sent it."""
        if g.get("csrf_valid"):
            return  # the guard before all forms has seen the token
        if not cls().validate_on_submit():
            abort(400)


def _stop_when_missing(form: FlaskForm, field: Field) -> None:
    del form
    if field.data is None or field.data is False or field.data in ("", []):  # 0 is an answer
        field.errors = []
        raise StopValidation(str(MISSING))


def _checks(required: bool, *more: Any, message: Any = MISSING) -> list[Any]:
    if required:
        return [InputRequired(message=message), _stop_when_missing, *more]
    return [Optional(), *more]


def _at_most(limit: int) -> Length:
    return Length(max=limit, message=_l("At most %(max)d characters, please."))


def Line(
    label: Any,
    *,
    max_length: int,
    min_length: int = 0,
    required: bool = True,
    description: Any = "",
    **extra: Any,
) -> StringField:
    """One line of text, cleaned (NFC, no control characters, single spaces)."""
    checks: list[Any] = [_at_most(max_length)]
    if min_length:
        checks.append(Length(min=min_length, message=_l("At least %(min)d characters, please.")))
    return StringField(
        label, filters=[clean_line], validators=_checks(required, *checks), description=description, **extra
    )


def Text(
    label: Any,
    *,
    max_length: int,
    min_length: int = 0,
    required: bool = True,
    description: Any = "",
    **extra: Any,
) -> TextAreaField:
    """Several lines of text, cleaned."""
    checks: list[Any] = [_at_most(max_length)]
    if min_length:
        checks.append(Length(min=min_length, message=_l("At least %(min)d characters, please.")))
    return TextAreaField(
        label, filters=[clean], validators=_checks(required, *checks), description=description, **extra
    )


def Email(label: Any, *, required: bool = True, description: Any = "", **extra: Any) -> EmailField:
    """An e-mail address, in lower case; the command checks its form (``why_not_address``)."""
    return EmailField(
        label,
        filters=[lambda v: clean_line(v).lower()],
        validators=_checks(required, _at_most(254)),
        description=description,
        **extra,
    )


def Password(label: Any, *, required: bool = True, description: Any = "", **extra: Any) -> PasswordField:
    """A password, taken as it is; at most 256 characters reach the hash."""
    return PasswordField(label, validators=_checks(required, _at_most(256)), description=description, **extra)


def Link(label: Any, *, required: bool = False, description: Any = "", **extra: Any) -> URLField:
    """A web address; only http and https."""
    return URLField(
        label,
        filters=[clean_line],
        validators=_checks(required, _at_most(500), _web_address),
        description=description,
        **extra,
    )


def _web_address(form: FlaskForm, field: Field) -> None:
    del form
    if not field.data.lower().startswith(("http://", "https://")) or " " in field.data:
        raise ValidationError(str(_l("Write a web address that begins with https://")))


def _options(choices: Choices) -> list[SelectChoice]:
    return [SelectChoice(value, cast(str, label)) for value, label in choices]


def Choice(
    label: Any, choices: Choices, *, required: bool = True, description: Any = "", **extra: Any
) -> SelectField:
    """One of a list; set ``field.choices`` in the view where they come from the database."""
    return SelectField(
        label,
        choices=_options(choices),
        validators=_checks(required, message=CHOOSE),
        description=description,
        validate_choice=True,
        **extra,
    )


def Radios(
    label: Any, choices: Choices, *, required: bool = True, description: Any = "", **extra: Any
) -> RadioField:
    """One of a few, all in sight."""
    return RadioField(
        label,
        choices=_options(choices),
        validators=_checks(required, message=CHOOSE),
        description=description,
        **extra,
    )


def Ticks(
    label: Any, choices: Choices, *, required: bool = False, description: Any = "", **extra: Any
) -> SelectMultipleField:
    """Any of a few, all in sight."""
    return SelectMultipleField(
        label,
        choices=_options(choices),
        validators=_checks(required, message=CHOOSE),
        description=description,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        **extra,
    )


def Tick(label: Any, *, required: bool = False, description: Any = "", **extra: Any) -> BooleanField:
    """Yes or no."""
    return BooleanField(label, validators=_checks(required, message=TICK), description=description, **extra)


class _Whole(IntegerField):
    """A whole number; one too long for any bound is none (judging it would overflow)."""

    def process_formdata(self, valuelist: list[str]) -> None:
        too_long = bool(valuelist) and len(valuelist[0].strip()) > 15
        super().process_formdata(["-"] if too_long else valuelist)


_Whole.__name__ = "IntegerField"


def Number(
    label: Any, *, least: int, most: int, required: bool = True, description: Any = "", **extra: Any
) -> IntegerField:
    """A whole number within bounds."""
    bounds = NumberRange(least, most, message=_l("A whole number from %(min)s to %(max)s, please."))
    return _Whole(label, validators=_checks(required, bounds), description=description, **extra)


class _Decimal(FloatField):
    """A number with a decimal comma or point."""

    def process_formdata(self, valuelist: list[str]) -> None:
        text = (
            valuelist[0].strip().replace("\u00a0", "").replace(" ", "").replace(",", ".") if valuelist else ""
        )
        super().process_formdata([text] if text else [])

    def _value(self) -> str:
        """Return what stands in the field: what was typed, or the number as its readers write it."""
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return ""
        shown = str(int(self.data)) if float(self.data).is_integer() else str(self.data)
        return shown if language() == "en" else shown.replace(".", ",")


_Decimal.__name__ = "FloatField"


def Figure(
    label: Any,
    *,
    least: float = -1e12,
    most: float = 1e12,
    required: bool = True,
    description: Any = "",
    **extra: Any,
) -> FloatField:
    """A number, comma or point."""
    bounds = NumberRange(least, most, message=_l("A number, please."))
    return _Decimal(label, validators=_checks(required, bounds), description=description, **extra)


def Day(label: Any, *, required: bool = True, description: Any = "", **extra: Any) -> DateField:
    """A calendar day."""
    return DateField(label, validators=_checks(required, _sane_year), description=description, **extra)


def _sane_year(form: FlaskForm, field: Field) -> None:
    del form
    if field.data is None:  # something was typed, and it is no day
        field.errors = []
    if field.data is None or not 1900 <= field.data.year <= 2200:
        raise ValidationError(str(_l("Write a day such as 2027-01-31.")))


def Instant(label: Any, *, required: bool = True, description: Any = "", **extra: Any) -> DateTimeLocalField:
    """A day and a clock time in the lab's zone; turn it into an instant with ``as_instant``."""
    return DateTimeLocalField(
        label,
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        validators=_checks(required, _sane_year),
        description=description,
        **extra,
    )


def as_instant(local: datetime | None) -> datetime | None:
    """Return the UTC instant of a clock time typed in the lab's zone (rule L4)."""
    return local.replace(tzinfo=ZoneInfo(time_zone())).astimezone(UTC) if local else None


def as_local(at: datetime | None) -> datetime | None:
    """Return an instant as the clock of the lab's zone shows it, for a form."""
    return at.astimezone(ZoneInfo(time_zone())).replace(tzinfo=None) if at else None


def Picture(label: Any, *, description: Any = "", **extra: Any) -> FileField:
    """A picture; what it is worth is found out by ``prepare_image``."""
    return FileField(label, description=description, **extra)


def Hidden(**extra: Any) -> HiddenField:
    """A value the page carries along."""
    return HiddenField(**extra)


Check = Callable[[FlaskForm, Field], None]


def install(app: Flask) -> None:
    """Limit a form in one long line as one in parts is limited: its parser knows no limits of its own."""

    @app.before_request
    def measure() -> None:
        if request.mimetype != "application/x-www-form-urlencoded":
            return
        request.max_content_length = app.config["MAX_FORM_MEMORY_SIZE"]
        if request.get_data().count(b"&") >= app.config["MAX_FORM_PARTS"]:
            abort(413)
