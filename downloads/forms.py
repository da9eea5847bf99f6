"""The form to add videos."""

from typing import Any

from django import forms
from django.conf import settings

from downloads.intake import pasted_text
from downloads.intake.submit import MAX_SUBMITTED_LINES
from downloads.models import MAX_URL_LENGTH, Quality
from downloads.subtitles.languages import MAX_LANGUAGES, parse_languages

# Room for as many URLs as are taken at once, and their line ends.
MAX_URLS_LENGTH = MAX_SUBMITTED_LINES * (MAX_URL_LENGTH + 2)
NO_URL_MESSAGE = "Paste the address of a video, or several, a line each."


class IngestForm(forms.Form):
    """One or many URLs, a line each."""

    urls = forms.CharField(
        label="Video URL",
        max_length=MAX_URLS_LENGTH,
        error_messages={
            "required": NO_URL_MESSAGE,
            "max_length": "This is too long: it has %(show_value)d characters, and %(limit_value)d are taken at once. "
            "Paste a part of it.",
            "null_characters_not_allowed": "There are NUL characters in this text: copy it again.",
        },
        widget=forms.Textarea(
            attrs={
                "rows": 1,
                "placeholder": "Paste addresses, a line each",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "aria-keyshortcuts": "n",
            }
        ),
    )
    quality = forms.ChoiceField(
        label="Quality",
        choices=Quality.choices,
        initial=Quality.BEST,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose one of the qualities."),
    )

    subtitles = forms.CharField(
        label="Subtitles",
        required=False,
        max_length=200,
        strip=True,
        error_messages={
            "max_length": "Write fewer languages: %(limit_value)d characters are the most.",
        },
        widget=forms.TextInput(attrs={"placeholder": "en,de", "size": 8, "autocomplete": "off"}),
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
                f"“{error}” isn’t a language. Use codes or names separated by commas, such as en, de."
            ) from error
        if len(tags) > MAX_LANGUAGES:
            raise forms.ValidationError(f"Too many languages: {MAX_LANGUAGES} at most.")
        return ",".join(tags)

    @property
    def playlist_limit(self) -> int:
        """Return the maximum number of videos of one playlist, for the hint beside the field."""
        return int(settings.PLAYLIST_LIMIT)

    def clean_urls(self) -> str:
        """Require a line that is not blank: text of invisible characters looks like an empty field."""
        text: str = self.cleaned_data["urls"]
        if not pasted_text.split_lines(text):
            raise forms.ValidationError(NO_URL_MESSAGE, code="required")
        return text

    def url_lines(self) -> list[str]:
        """Return the lines that are not blank, stripped."""
        return pasted_text.split_lines(self.cleaned_data["urls"])
