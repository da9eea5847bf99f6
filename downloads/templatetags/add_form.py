"""Template tag for the form that adds videos, which every page has."""

from django import template
from django.urls import reverse
from django.utils.http import urlencode

from downloads.forms import IngestForm

register = template.Library()

# Public pages that yt-dlp has long supported.
EXAMPLES = (
    ("A 19-second clip", "Me at the zoo · youtube.com", "https://www.youtube.com/watch?v=jNQXAC9IVRw"),
    ("A short film", "Big Buck Bunny · archive.org", "https://archive.org/details/BigBuckBunny_124"),
    (
        "A talk",
        "Do schools kill creativity? · ted.com",
        "https://www.ted.com/talks/sir_ken_robinson_do_schools_kill_creativity",
    ),
)


@register.simple_tag(takes_context=True)
def add_form(context: template.Context) -> IngestForm:
    """Return the form of the view, or an empty one."""
    form = context.get("form")
    return form if isinstance(form, IngestForm) else IngestForm.for_request(context["request"])


@register.simple_tag
def example_links() -> list[dict[str, str]]:
    """Return links to try, each with the page that has the form filled in with it."""
    return [
        {"kind": kind, "title": title, "url": f"{reverse('library')}?{urlencode({'urls': url})}"}
        for kind, title, url in EXAMPLES
    ]
