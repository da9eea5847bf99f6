"""Languages of subtitles in forms: the field, its choices, and those that were chosen last."""

import functools
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from downloads.subtitles.languages import MAX_LANGUAGES, english_name, parse_languages

MAX_LANGUAGES_LENGTH = 200  # characters
TOO_MANY_LANGUAGES_MESSAGE = "Too many languages. Remove a few."
USUAL_LANGUAGES = ("en", "es", "fr", "de", "ja", "zh")
OTHER_LANGUAGES = (
    *("ar", "bg", "bn", "ca", "cs", "da", "el", "et", "fa", "fi", "he", "hi", "hr", "hu", "id", "is", "it", "ko", "lt"),
    *("lv", "ms", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "ta", "th", "tr", "uk", "ur", "vi"),
)
LANGUAGES_COOKIE_SECONDS = 365 * 24 * 60 * 60


@dataclass(frozen=True)
class LanguageChoice:
    """A language that can be ticked."""

    tag: str
    name: str
    is_chosen: bool


class LanguagesInput(forms.TextInput):
    """Checkboxes of one name; a value may also hold several languages with commas between."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        """Return all values, with commas between."""
        values = data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""]
        return ",".join(filter(None, values))


class LanguagesForm(forms.Form):
    """A form with the languages of the subtitles to keep."""

    subtitles = forms.CharField(
        label="Subtitles",
        required=False,
        max_length=MAX_LANGUAGES_LENGTH,
        strip=True,
        error_messages={"max_length": TOO_MANY_LANGUAGES_MESSAGE},
        widget=LanguagesInput,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Without Django's colon, which would become a part of the accessible name.
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def clean_subtitles(self) -> str:
        """Return the languages as BCP 47 tags with commas between."""
        try:
            tags = parse_languages(self.cleaned_data["subtitles"])
        except ValueError as error:
            raise forms.ValidationError(
                f"“{error}” isn’t a language. Use language codes separated by commas, such as en,de."
            ) from error
        if len(tags) > MAX_LANGUAGES:
            raise forms.ValidationError(TOO_MANY_LANGUAGES_MESSAGE)
        return ",".join(tags)

    @property
    def usual_languages(self) -> list[LanguageChoice]:
        """Return the languages to show first: the usual ones, and what is chosen besides."""
        chosen = self._chosen_languages()
        tags = [*USUAL_LANGUAGES, *(tag for tag in chosen if tag not in USUAL_LANGUAGES)]
        return [LanguageChoice(tag, _language_name(tag), tag in chosen) for tag in tags]

    @property
    def other_languages(self) -> list[LanguageChoice]:
        """Return the languages to show on request, by name."""
        chosen = self._chosen_languages()
        choices = [LanguageChoice(tag, _language_name(tag), False) for tag in OTHER_LANGUAGES if tag not in chosen]
        return sorted(choices, key=lambda choice: choice.name)

    @property
    def default_languages(self) -> str:
        """Return the names of the languages that are kept where none is chosen (YTARCHIVE_SUBTITLES)."""
        return ", ".join(map(_language_name, filter(None, settings.SUBTITLES.split(","))))

    def _chosen_languages(self) -> list[str]:
        return _known_languages(str(self["subtitles"].value() or "")[:MAX_LANGUAGES_LENGTH])


_language_name = functools.cache(english_name)


def _known_languages(text: str) -> list[str]:
    """Return the tags in a text that are languages, as far as they are."""
    tags: list[str] = []
    for part in text.split(","):
        try:
            tags += parse_languages(part)
        except ValueError:
            continue
    return list(dict.fromkeys(tags))[:MAX_LANGUAGES]


# The languages chosen last, kept in a cookie of each browser -----------------------------------


def remembered_languages(request: HttpRequest) -> str:
    """Return the languages that were chosen last, with commas between; a cookie may hold anything."""
    value = request.COOKIES.get(_languages_cookie_name(), "")
    return ",".join(_known_languages(value[:MAX_LANGUAGES_LENGTH].replace(".", ",")))


def remember_languages(request: HttpRequest, response: HttpResponse, languages: str) -> None:
    """Keep the chosen languages ("en,de") for the next form, unless they are the same as before."""
    if languages == remembered_languages(request):
        return
    response.set_cookie(
        _languages_cookie_name(),
        # RFC 6265 allows no comma in a value.
        languages.replace(",", "."),
        max_age=LANGUAGES_COOKIE_SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _languages_cookie_name() -> str:
    return f"{settings.COOKIE_PREFIX}_subtitles"
