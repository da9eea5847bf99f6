"""Forms of subscriptions: the settings of one, and the form that follows new ones."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms

from downloads.forms.ingest import MAX_URLS_LENGTH, NO_URL_MESSAGE
from downloads.forms.languages import LanguagesForm
from downloads.models import ChannelTab, Quality, StartChoice, Subscription
from downloads.models.subscriptions.subscription import (
    DEFAULT_CHECK_INTERVAL_SECONDS,
    MAX_LIST_LENGTH,
    MAX_NEW_PER_CHECK,
    MAX_PATTERN_LENGTH,
)
from downloads.subscriptions import verbs
from downloads.subscriptions.judgement import Filters
from downloads.subscriptions.validation import INVISIBLE_MESSAGE, RETENTION_FIELDS

INTERVALS = {900: "15 minutes", 3600: "hour", 10_800: "3 hours", 21_600: "6 hours", 43_200: "12 hours"}
INTERVALS |= {86_400: "day", 604_800: "week"}
CLOCK_PATTERN = re.compile(r"(?:(?P<hours>\d{1,4}):)?(?P<minutes>\d{1,4}):(?P<seconds>[0-5]\d)")
UNIT_PATTERN = re.compile(r"(\d{1,6})\s*(hours?|h|minutes?|min|m|seconds?|sec|s)", re.IGNORECASE)
UNIT_SECONDS = {"h": 3600, "m": 60, "s": 1}
NEWEST_COUNT = 50  # of the videos that are there, where somebody chooses the newest
LENGTH_MESSAGE = "Write a length such as 1:30, 5 min or 1 h."
DATE_MESSAGE = "Write a day as year-month-day, such as 2026-03-11."
# Fields whose name is not that of the column.
COLUMNS = {"subtitles": "subtitle_languages"}
FILTER_NAMES = ("title_includes", "title_excludes", "min_duration", "max_duration", "published_since")


class LengthField(forms.CharField):
    """A length such as "1:30", "1:02:03", "5 min" or "90 s", in seconds; None where it is empty."""

    def to_python(self, value: Any) -> Any:
        """Return the seconds; raise ValidationError for what is no length."""
        text = str(value or "").strip()
        if not text:
            return None
        if match := CLOCK_PATTERN.fullmatch(text):
            hours, minutes, seconds = (int(match[name] or 0) for name in ("hours", "minutes", "seconds"))
            return hours * 3600 + minutes * 60 + seconds
        parts = UNIT_PATTERN.findall(text)
        if not parts or UNIT_PATTERN.sub("", text).strip():
            raise forms.ValidationError(LENGTH_MESSAGE)
        return sum(int(number) * UNIT_SECONDS[unit[0].lower()] for number, unit in parts)

    def prepare_value(self, value: Any) -> Any:
        """Return seconds as a clock shows them."""
        if not isinstance(value, int):
            return value
        minutes, seconds = divmod(value, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _number(label: str, most: int, **options: Any) -> forms.IntegerField:
    message = f"Write a number from 1 to {most:,}."
    return forms.IntegerField(
        label=label,
        min_value=1,
        max_value=most,
        required=False,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), message),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        **options,
    )


def _day(label: str) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(
        label=label, required=False, input_formats=["%Y-%m-%d"], widget=widget, error_messages={"invalid": DATE_MESSAGE}
    )


def _pattern(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=MAX_PATTERN_LENGTH,
        error_messages={"max_length": f"This is too long ({MAX_PATTERN_LENGTH} characters at most)."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )


class SubscriptionForm(LanguagesForm):
    """The settings of a subscription; what they may be together is checked by the verbs."""

    name = forms.CharField(
        label="Name",
        required=False,
        max_length=500,
        error_messages={"max_length": "This name is too long (500 characters at most)."},
    )
    start = forms.ChoiceField(
        label="What to fetch",
        choices=StartChoice.choices,
        initial=StartChoice.NEW,
        required=False,
        error_messages={"invalid_choice": "Choose what to fetch."},
    )
    start_count = _number("How many of the newest", MAX_LIST_LENGTH)
    start_date = _day("Since")
    check_interval = forms.TypedChoiceField(
        label="Check every",
        coerce=int,
        initial=DEFAULT_CHECK_INTERVAL_SECONDS,
        choices=list(INTERVALS.items()),
        required=False,
        error_messages={"invalid_choice": "Choose how often to check."},
    )
    cron = forms.CharField(
        label="Times (cron)",
        required=False,
        max_length=100,
        error_messages={"max_length": "This line is too long (100 characters at most)."},
        widget=forms.TextInput(attrs={"placeholder": "30 2 * * *", "autocomplete": "off", "spellcheck": "false"}),
    )
    time_zone = forms.CharField(
        label="Time zone",
        required=False,
        max_length=64,
        error_messages={"max_length": "This is no time zone. Write its name as in “Europe/Berlin”."},
        widget=forms.TextInput(attrs={"placeholder": "UTC", "autocomplete": "off", "spellcheck": "false"}),
    )
    quality = forms.ChoiceField(
        label="Quality",
        choices=Quality.choices,
        initial=Quality.BEST,
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose a quality."),
    )
    tabs = forms.MultipleChoiceField(
        label="Channel tabs",
        choices=ChannelTab.choices,
        initial=[ChannelTab.VIDEOS],
        required=False,
        error_messages={"invalid_choice": "Choose from the channel tabs."},
    )
    title_includes = _pattern("Title contains")
    title_excludes = _pattern("Title doesn’t contain")
    min_duration = LengthField(label="Shortest", required=False)
    max_duration = LengthField(label="Longest", required=False)
    published_since = _day("Published since")
    max_new = _number("New videos per check, at most", MAX_LIST_LENGTH, initial=MAX_NEW_PER_CHECK)
    keep_days = _number("Delete after (days)", 36_500)
    keep_newest = _number("Keep only the newest (videos)", MAX_LIST_LENGTH)

    def __init__(self, *args: Any, subscription: Subscription | None = None, **kwargs: Any) -> None:
        if subscription and not kwargs.get("initial"):
            kwargs["initial"] = read_settings(subscription)
        # The sheet that adds videos has fields of the same names on every page.
        super().__init__(*args, **{"auto_id": "subscription_%s", **kwargs})
        self.subscription = subscription
        for field in self.fields.values():
            field.error_messages.setdefault("null_characters_not_allowed", INVISIBLE_MESSAGE)
        stored = subscription.check_interval if subscription else None
        if stored and stored not in INTERVALS:
            choices = [*INTERVALS.items(), (stored, f"{stored:,} seconds")]
            self.fields["check_interval"].choices = sorted(choices)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Check the settings together, as far as each is one, and show each sentence beside its field."""
        cleaned_data = super().clean() or self.cleaned_data
        try:
            verbs.check_settings(self.settings())
        except forms.ValidationError as error:
            self.show_errors(error)
        return cleaned_data

    def show_errors(self, error: forms.ValidationError) -> None:
        """Show the sentences of the verbs, each beside its field unless that has one."""
        fields = {column: name for name, column in COLUMNS.items()}
        for column, messages in getattr(error, "error_dict", {None: [error]}).items():
            name = fields.get(column, column)
            if name not in self.errors:
                self.add_error(name if name in self.fields else None, messages)

    def settings(self) -> dict[str, Any]:
        """Return the columns of the subscription, by name; retention only if the form had it, as not all may set it."""
        data = {COLUMNS.get(name, name): value for name, value in self.cleaned_data.items()}
        values = {name: data[name] for name in verbs.EDITABLE_FIELDS if name in data}
        for name in RETENTION_FIELDS:
            if self.add_prefix(name) not in self.data:
                values.pop(name, None)
        if "tabs" in values:
            values["tabs"] = ",".join(values["tabs"])
        values["start"] = values.get("start") or StartChoice.NEW
        values["check_interval"] = values.get("check_interval") or DEFAULT_CHECK_INTERVAL_SECONDS
        values["max_new"] = values.get("max_new") or MAX_NEW_PER_CHECK
        return values

    def filters(self) -> Filters:
        """Return the filters, for a preview."""
        return Filters(**{name: self.cleaned_data[name] for name in FILTER_NAMES})

    @property
    def is_more_open(self) -> bool:
        """Return whether the fields below “Advanced” hold something, or an error."""
        names = (*FILTER_NAMES, "cron", *RETENTION_FIELDS)
        return any(self[name].value() or self[name].errors for name in names)


def read_settings(subscription: Subscription) -> Mapping[str, Any]:
    """Return the settings of a subscription as a form shows them."""
    fields = {column: name for name, column in COLUMNS.items()}
    values = {fields.get(name, name): getattr(subscription, name) for name in verbs.EDITABLE_FIELDS}
    return {**values, "tabs": [tab for tab in subscription.tabs.split(",") if tab]}


class FollowForm(SubscriptionForm):
    """One or many channels and playlists to follow: pasted links or lists, or a file with one."""

    urls = forms.CharField(
        label="Links",
        required=False,
        max_length=MAX_URLS_LENGTH,
        error_messages={
            "max_length": "That’s too much at once (%(show_value)d of %(limit_value)d characters). Follow it in parts.",
            "null_characters_not_allowed": "This text contains invisible characters. Copy it again.",
        },
        widget=forms.Textarea(
            attrs={
                "rows": 3,
                "placeholder": "Paste links, one per line",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "autofocus": True,
                "aria-describedby": "follow-hint",
            }
        ),
    )
    start_count = _number("How many of the newest", MAX_LIST_LENGTH, initial=NEWEST_COUNT)
    file = forms.FileField(
        label="Or a file",
        required=False,
        allow_empty_file=True,
        error_messages={"invalid": "No file arrived. Choose it again."},
    )

    def settings(self) -> dict[str, Any]:
        """Return the columns of the subscription; the number that is filled in counts only where it is chosen."""
        values = super().settings()
        return values if values["start"] == StartChoice.NEWEST else {**values, "start_count": None}

    def clean(self) -> dict[str, Any]:
        """Require links or a file."""
        cleaned_data = super().clean()
        is_given = cleaned_data.get("urls", "").strip() or cleaned_data.get("file")
        if not (is_given or self.errors.get("urls") or self.errors.get("file")):
            self.add_error("urls", NO_URL_MESSAGE)
        return cleaned_data
