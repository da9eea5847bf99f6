"""Readers of responses: tags, titles, messages."""

import re

from django.contrib.messages import get_messages
from django.urls import reverse

from downloads.models import Video

HTMX_HEADERS = {"HTTP_HX_REQUEST": "true"}


def opening_tag(page: str, video: Video) -> str:
    tags = re.findall(rf'<\w+[^>]*data-video-id="{video.video_id}"[^>]*>', page)
    assert len(tags) == 1
    return tags[0]


def library_titles(client, **query) -> list[str]:
    """Return the titles of the library's cards, in order, without markup."""
    page = client.get("/", query).content.decode().partition('aria-labelledby="library"')[2]
    return [re.sub("<.*?>", "", title) for title in re.findall(r"data-title[^>]*>(.*?)</a>", page, re.DOTALL)]


def message_texts(response):
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def post_action(client, name, *args, **data):
    return client.post(reverse(name, args=args), data)
