"""Listing of the audit log: filters and one page, newest first, by keyset: no count, and no offset that grows."""

from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse

from downloads.models import AuditAction, AuditEntry
from downloads.progress.keys import VIDEO_ID_PATTERN

PAGE_SIZE = 50
# A search without an index reads this many entries for one page, and continues with the next.
MAX_SEARCHED_ENTRIES = 50_000
MAX_PEOPLE = 100
PROGRAM_VALUE = "-"  # in the filter by person: what the program did by itself


class AuditFilterForm(forms.Form):
    """The filters in a query string; invalid values are ignored."""

    q = forms.CharField(label="Search", max_length=200, required=False)
    who = forms.CharField(label="Person", max_length=150, required=False, widget=forms.Select)
    action = forms.ChoiceField(label="Action", choices=[("", "Any action"), *AuditAction.choices], required=False)
    before = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False, widget=forms.HiddenInput)

    def __init__(self, query: QueryDict) -> None:
        # PostgreSQL refuses a NUL.
        cleaned_query = {name: value.replace("\x00", "") for name, value in query.items() if isinstance(value, str)}
        super().__init__(cleaned_query, auto_id="audit_%s", label_suffix="")
        self.is_valid()
        people = sorted({*find_people(), self.cleaned_data.get("who", "")} - {"", PROGRAM_VALUE}, key=str.casefold)
        choices = [("", "Anyone"), *((name, name) for name in people), (PROGRAM_VALUE, "ytarchive itself")]
        self.fields["who"].widget.choices = choices


def find_people() -> list[str]:
    """Return the names in the log, each found by one step in the index; MAX_PEOPLE at most."""
    names: list[str] = []
    by_name = AuditEntry.objects.order_by("actor_name").values_list("actor_name", flat=True)
    while len(names) < MAX_PEOPLE:
        name = by_name.filter(actor_name__gt=names[-1] if names else "").first()
        if name is None:
            break
        names.append(name)
    return names


class AuditListing:
    """The entries that a query string selects, and the URLs of the pages beside them."""

    def __init__(self, query: QueryDict) -> None:
        self.form = AuditFilterForm(query)
        self.filters: dict[str, Any] = self.form.cleaned_data

    @property
    def is_filtered(self) -> bool:
        """Return whether a filter narrows the listing."""
        return any(self.filters.get(name) for name in ("q", "who", "action"))

    @property
    def is_newest_page(self) -> bool:
        """Return whether the listing begins at the newest entry."""
        return not self.filters.get("before")

    @cached_property
    def entries(self) -> list[AuditEntry]:
        """Return the entries of the page."""
        return self._rows[:PAGE_SIZE]

    @cached_property
    def _rows(self) -> list[AuditEntry]:
        """Return the entries of the page, and one more if there is one."""
        return list(self._matching.order_by("-pk")[: PAGE_SIZE + 1])

    @property
    def _matching(self) -> QuerySet[AuditEntry]:
        entries = self._before
        if who := self.filters.get("who"):
            entries = entries.filter(actor_name="" if who == PROGRAM_VALUE else who)
        if action := self.filters.get("action"):
            entries = entries.filter(action=action)
        if text := self.filters.get("q"):
            if VIDEO_ID_PATTERN.fullmatch(text) and self._before.filter(public_id=text).exists():
                return entries.filter(public_id=text)
            texts = Q(title__icontains=text) | Q(url__icontains=text) | Q(details__icontains=text)
            entries = entries.filter(texts, pk__gte=self._search_end)
        return entries

    @property
    def _before(self) -> QuerySet[AuditEntry]:
        before = self.filters.get("before")
        return AuditEntry.objects.filter(pk__lt=before) if before else AuditEntry.objects.all()

    @cached_property
    def _search_end(self) -> int:
        """Return the oldest id that a search for a text reads, 0 if it reads all entries."""
        ids = self._before.order_by("-pk").values_list("pk", flat=True)
        end = ids[MAX_SEARCHED_ENTRIES - 1 : MAX_SEARCHED_ENTRIES].first() or 0
        return end if AuditEntry.objects.filter(pk__lt=end).exists() else 0

    @cached_property
    def older_url(self) -> str:
        """Return the URL of the next page, "" on the last."""
        if len(self._rows) > PAGE_SIZE:
            return self._build_url(before=self.entries[-1].pk)
        is_searched_in_parts = self.filters.get("q") and "_search_end" in self.__dict__ and self._search_end > 0
        return self._build_url(before=self._search_end) if is_searched_in_parts else ""

    @property
    def newest_url(self) -> str:
        """Return the URL of the first page."""
        return self._build_url()

    def _build_url(self, **changes: int) -> str:
        query = QueryDict(mutable=True)
        parameters = {name: self.filters.get(name) for name in ("q", "who", "action")} | changes
        query.update({name: str(value) for name, value in parameters.items() if value})
        return f"{reverse('audit')}?{query.urlencode()}" if query else reverse("audit")
