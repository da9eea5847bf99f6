"""The form to add videos."""

from typing import Any

from django import forms

from downloads.models import Quality

# Percent-encoded it stays below DATA_UPLOAD_MAX_MEMORY_SIZE, so that nobody's text is turned away unread.
LONGEST = 60_000


class IngestForm(forms.Form):
    """One or many URLs, a line each."""

    urls = forms.CharField(
        label="Video URL",
        max_length=LONGEST,
        error_messages={"required": "Paste the address of a video, or several, a line each."},
        widget=forms.Textarea(
            attrs={
                "rows": 1,
                "placeholder": "Paste one address, or several, a line each",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
            }
        ),
    )
    quality = forms.ChoiceField(label="Quality", choices=Quality.choices, initial=Quality.BEST)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Django's colon would become a part of the label's text.
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def lines(self) -> list[str]:
        """Return the lines that hold something."""
        return [line.strip() for line in self.cleaned_data["urls"].splitlines() if line.strip()]
