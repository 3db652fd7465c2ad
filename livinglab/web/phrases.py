"""The texts of templates in the page's language, looked up once a text and language.

Jinja and Flask-Babel find the language, the catalogue and the safe string anew for each of the several
hundred texts of a page, which was a quarter of the time a page took. Here a text that stands alone is one
look-up in a dictionary of finished, safe strings.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, g
from flask_babel import get_locale, get_translations
from flask_babel.speaklater import LazyString
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape


class Phrases:
    """All texts of one language that templates have asked for."""

    def __init__(self, catalogue: Any) -> None:
        self._catalogue = catalogue
        self._alone: dict[str, Markup] = {}
        self._filled: dict[str, Markup] = {}

    def say(self, text: str, values: dict[str, Any]) -> Markup:
        """Return the text; values are made safe as they are put in."""
        if not values:
            said = self._alone.get(text)
            if said is None:
                said = self._alone[text] = self._find(text) % {}
            return said
        said = self._filled.get(text)
        if said is None:
            said = self._filled[text] = self._find(text)
        return said % values

    def plainly(self, text: str, values: dict[str, Any]) -> str:
        """Return the text for a template that is no HTML, such as the plain part of a mail."""
        return str(self._catalogue.ugettext(text)) % values

    def count_plainly(self, one: str, many: str, num: int, values: dict[str, Any]) -> str:
        """Return the form of a text that goes with a number, for a template that is no HTML."""
        return str(self._catalogue.ungettext(one, many, num)) % {"num": num, **values}

    def count(self, one: str, many: str, num: int, values: dict[str, Any]) -> Markup:
        """Return the form of a text that goes with a number."""
        said = Markup(self._catalogue.ungettext(one, many, num))  # noqa: S704  # our own texts
        return said % {"num": num, **values}

    def _find(self, text: str) -> Markup:
        return Markup(self._catalogue.ugettext(text))  # noqa: S704  # our own texts, not people's


_KNOWN: dict[str, Phrases] = {}


def _phrases() -> Phrases:
    """Return the phrases of the language in force: the page's, or the one a mail is written in."""
    here = g._get_current_object()  # two hundred texts a page ask: the way through the proxy is taken once
    locale = getattr(here.get("_flask_babel"), "babel_locale", None) or get_locale()
    if locale is None:
        return Phrases(get_translations())
    kept: tuple[object, Phrases] | None = here.get("phrases")
    if kept is not None and kept[0] is locale:
        return kept[1]
    name = str(locale)
    if name not in _KNOWN:
        _KNOWN[name] = Phrases(get_translations())
    here.phrases = (locale, _KNOWN[name])
    return _KNOWN[name]


@pass_eval_context
def say(context: EvalContext, text: str, /, **values: Any) -> str:
    """Return a text in the page's language: ``_('Hello %(name)s', name=…)`` in a template."""
    phrases = _phrases()
    return phrases.say(text, values) if context.autoescape else phrases.plainly(text, values)


@pass_eval_context
def count(context: EvalContext, one: str, many: str, num: int, /, **values: Any) -> str:
    """Return a text with a number: ``ngettext('%(num)d idea', '%(num)d ideas', n)`` in a template."""
    phrases = _phrases()
    write = phrases.count if context.autoescape else phrases.count_plainly
    return write(one, many, num, values)


def _made_safe(text: LazyString) -> Markup:
    """Return a text from a rule or a command for a page: the names in it are people's."""
    return escape(str(text))


def _told_apart(text: LazyString) -> str:
    """Return which text it is, without looking its words up in a language."""
    return f"LazyString{text._args!r}{text._kwargs!r}"


def install(app: Flask) -> None:
    """Take the place of Flask-Babel's functions in templates; Python code keeps them.

    A lazy text calls itself safe HTML, whatever was put into it ("You work for %(unit)s."): it is not. Parts
    of pages are known by the ``repr`` of their facts and by the language, so a lazy text is told by its name.
    """
    LazyString.__html__ = _made_safe
    LazyString.__repr__ = _told_apart
    app.jinja_env.globals.update(_=say, gettext=say, ngettext=count)
