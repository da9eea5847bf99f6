"""Responses of actions to htmx."""

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from downloads.models import Video
from downloads.tests.support.responses import HTMX_HEADERS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


class TestHtmx:
    """Responses that leave the current page open."""

    def test_it_leads_to_the_sign_in_when_the_session_has_ended(self, client, waiting_videos):
        address = reverse("cancel", args=[waiting_videos[0].video_id])
        response = client.post(address, HTTP_REFERER="http://testserver/?page=2", **HTMX_HEADERS)
        assert response.status_code == 200
        assert response["HX-Redirect"] == "/accounts/login/?next=http%3A//testserver/%3Fpage%3D2"

    def test_it_says_that_the_form_has_expired(self, superuser_client, waiting_videos):
        client = Client(enforce_csrf_checks=True)
        response = client.post(reverse("cancel", args=[waiting_videos[0].video_id]), **HTMX_HEADERS)
        assert response.status_code == 200
        assert "Reload the page, then try again." in response.content.decode()
        assert client.post(reverse("cancel", args=[waiting_videos[0].video_id])).status_code == 403

    def test_it_says_that_a_video_is_gone(self, superuser_client):
        response = superuser_client.post("/videos/nope/cancel", **HTMX_HEADERS)
        assert "This video is no longer in the archive." in response.content.decode()
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": ["nope"]}}

    def test_it_answers_with_words_and_what_changed(self, superuser_client, waiting_videos):
        response = superuser_client.post(reverse("front", args=[waiting_videos[1].video_id]), **HTMX_HEADERS)
        page = response.content.decode()
        assert re.match(r'\s*<div class="messages"\s+data-part="messages"\s+role="status"', page)
        assert "b.example is next." in page
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": [waiting_videos[1].video_id]}}
        # The message is shown once: the next page does not repeat it.
        assert "is next." not in superuser_client.get("/").content.decode()

    def test_bulk_actions_refresh_the_whole_list(self, superuser_client):
        urls = [f"http://{n}.example/" for n in range(21)]
        ids = [Video.objects.ingest(url, url)[0].video_id for url in urls]
        response = superuser_client.post(reverse("many"), {"do": "cancel", "id": ids}, **HTMX_HEADERS)
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": []}}
        assert json.loads(superuser_client.post(reverse("queue-pause"), **HTMX_HEADERS)["HX-Trigger"]) == {
            "acted": {"ids": []}
        }

    def test_it_redirects_a_boosted_page(self, superuser_client, waiting_videos):
        response = superuser_client.post(
            reverse("front", args=[waiting_videos[1].video_id]), HTTP_HX_BOOSTED="true", **HTMX_HEADERS
        )
        assert response.status_code == 302

    def test_it_adds_and_gives_the_form_back(self, superuser_client, settings):
        settings.ALLOW_PRIVATE_HOSTS = True
        valid_form = {"urls": "http://127.0.0.1:1/a", "quality": "best"}
        response = superuser_client.post(
            reverse("add"), {**valid_form, "urls": f"{valid_form['urls']}\nnonsense"}, **HTMX_HEADERS
        )
        page = response.content.decode()
        assert response.status_code == 200
        assert "<html" not in page
        assert re.search(r">\s*nonsense</textarea>", page)
        assert re.search(r"hx-swap-oob=\"outerHTML:\[data-part='messages'\]\"", page)
        video = Video.objects.get()
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": [video.video_id]}}
        again = superuser_client.post(reverse("add"), valid_form, **HTMX_HEADERS)
        assert "HX-Trigger" not in again
        assert "already" in again.content.decode()
        empty = superuser_client.post(reverse("add"), {"urls": "", "quality": "best"}, **HTMX_HEADERS)
        assert "Paste at least one link" in empty.content.decode()
