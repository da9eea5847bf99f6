"""The form to add videos."""

from django import forms
from django.conf import settings
from django.http import HttpRequest

from downloads.forms.languages import LanguagesForm, remembered_languages
from downloads.intake import pasted_text
from downloads.intake.submit import MAX_SUBMITTED_LINES
from downloads.models import MAX_URL_LENGTH, Quality

# Room for as many URLs as are taken at once, and their line ends.
MAX_URLS_LENGTH = MAX_SUBMITTED_LINES * (MAX_URL_LENGTH + 2)
MAX_LIST_LIMIT = 10_000  # as of YTARCHIVE_PLAYLIST_LIMIT
NO_URL_MESSAGE = "Paste at least one link."


class IngestForm(LanguagesForm):
    """One or many URLs, a line each."""

    urls = forms.CharField(
        label="Links",
        max_length=MAX_URLS_LENGTH,
        error_messages={
            "required": NO_URL_MESSAGE,
            "max_length": "That’s too much at once (%(show_value)d of %(limit_value)d characters). Add it in parts.",
            "null_characters_not_allowed": "This text contains invisible characters. Copy it again.",
        },
        widget=forms.Textarea(
            attrs={
                "rows": 3,
                "placeholder": "Paste links, one per line",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "enterkeyhint": "go",
                "aria-describedby": "urls-hint",
                "autofocus": True,
            }
        ),
    )
    quality = forms.ChoiceField(
        label="Quality",
        choices=Quality.choices,
        initial=Quality.BEST,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose a quality."),
    )

    list_limit = forms.IntegerField(
        label="Videos of a playlist or channel to add at first",
        min_value=1,
        max_value=MAX_LIST_LIMIT,
        required=False,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"), f"Of a playlist, add from 1 to {MAX_LIST_LIMIT:,} videos."
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    follow = forms.BooleanField(label="Follow: check for new videos every 6 h", required=False)

    @classmethod
    def for_request(cls, request: HttpRequest, **initial: str) -> "IngestForm":
        """Return an empty form with the languages that this browser chose last, or one filled in with `initial`."""
        return cls(initial={"subtitles": remembered_languages(request), **initial})

    @property
    def playlist_limit(self) -> int:
        """Return how many videos of one playlist are added where nothing is chosen."""
        return int(settings.PLAYLIST_LIMIT)

    def mark_rejected(self) -> None:
        """Mark the field of links as one with rejected lines, which `add/_refusals.html` tells."""
        attributes = self.fields["urls"].widget.attrs
        attributes |= {"aria-invalid": "true", "aria-describedby": f"refused {attributes['aria-describedby']}"}

    def chosen_limit(self) -> int | None:
        """Return how many videos of a playlist are to be added; None for the usual number."""
        limit: int | None = self.cleaned_data["list_limit"]
        return None if limit == self.playlist_limit else limit

    def clean_urls(self) -> str:
        """Require a line that is not blank: text of invisible characters looks like an empty field."""
        text: str = self.cleaned_data["urls"]
        if not pasted_text.split_lines(text):
            raise forms.ValidationError(NO_URL_MESSAGE, code="required")
        return text

    def url_lines(self) -> list[str]:
        """Return the lines that are not blank, stripped."""
        return pasted_text.split_lines(self.cleaned_data["urls"])
