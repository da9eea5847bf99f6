"""Security headers of all responses, and HSTS that grows."""

import re

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.conf import settings as django_settings

from downloads.tests.support.cases import each_case
from downloads.tests.support.nginx import run_deployed_nginx
from downloads.tests.support.ports import free_port
from ytarchive.server.limits import answers
from ytarchive.server.response_headers import policies, strict_transport
from ytarchive.server.response_headers.middleware import SecurityHeaders

DAY = 86_400


@pytest.fixture
def https(settings, tmp_path):
    """A proxy that terminates TLS, and an empty cache folder."""
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.CACHE_ROOT = tmp_path / "cache"
    settings.ALLOWED_HOSTS = ["testserver"]


def get(path: str, **headers: str) -> dict[str, str]:
    """Request a path from the whole ASGI application; return the status and the headers in lower case."""
    from ytarchive.asgi import router
    from ytarchive.server.request_checks import ForwardedPath, ForwardedScheme

    async def request() -> dict[str, str]:
        scope = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
            "http_version": "1.1", "scheme": "http", "server": ["testserver", 80], "client": ["127.0.0.1", 1],
            "headers": [(b"host", b"testserver"), *((name.encode(), text.encode()) for name, text in headers.items())],
        }  # fmt: skip
        application = ForwardedScheme(SecurityHeaders(ForwardedPath(router)))
        communicator = ApplicationCommunicator(application, scope)
        await communicator.send_input({"type": "http.request", "body": b"", "more_body": False})
        start = await communicator.receive_output(20)
        await communicator.receive_output(20)
        names = [name.decode().lower() for name, _ in start["headers"]]
        assert len(set(names) - {"set-cookie"}) == len([name for name in names if name != "set-cookie"]), names
        return {name.decode().lower(): value.decode() for name, value in start["headers"]} | {
            "status": str(start["status"])
        }

    return async_to_sync(request)()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(
            ("/", "200"),
            ("/accounts/login/", "200"),
            ("/admin/login/", "302"),
            ("/healthz", "200"),
            ("/nothing", "404"),
            ("/videos/a/", "404"),
        ),
        *(("/media/a/video", "404"), ("/static/none.css", "404"), ("/api/progress", "")),
    ],
)
@pytest.mark.usefixtures("https", "static_files")
def test_all_answers_have_them(path, status):
    headers = get(path)
    assert headers["status"] == status or not status
    assert {name.lower() for name in policies.COMMON_HEADERS} <= headers.keys()
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "strict-transport-security" not in headers
    assert "cross-origin-opener-policy" not in headers

    headers = get(path, **{"x-forwarded-proto": "https"})
    assert headers["strict-transport-security"] == "max-age=300"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.usefixtures("https")
@pytest.mark.parametrize("value", ["http", "HTTP", "", "ftp"])
def test_plain_http_has_no_hsts(value):
    assert "strict-transport-security" not in get("/healthz", **{"x-forwarded-proto": value})


def test_a_header_that_nobody_declared_brings_no_hsts(settings, tmp_path):
    settings.CACHE_ROOT = tmp_path
    assert not getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
    assert "strict-transport-security" not in get("/healthz", **{"x-forwarded-proto": "https"})


@pytest.mark.django_db
@pytest.mark.usefixtures("static_files")
def test_a_page_keeps_its_own_policies():
    policy = get("/")["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "default-src 'none'" not in policy


@each_case("status", answers.TEXTS.keys() - {1008})
def test_refusals_of_the_server_have_them(status):
    head = answers.build_answer(status).decode().partition("\r\n\r\n")[0]
    assert {name for name in policies.COMMON_HEADERS if f"\r\n{name}: " in head} == policies.COMMON_HEADERS.keys()


def test_the_player_may_do_what_players_do():
    policy = policies.PERMISSIONS_POLICY
    assert all(f"{name}=(self)" in policy for name in ("autoplay", "fullscreen", "picture-in-picture"))
    assert all(f"{name}=()" in policy for name in ("camera", "geolocation", "microphone", "payment", "usb"))


@pytest.mark.usefixtures("https")
class TestGrowth:
    """The `max-age` by the time behind TLS."""

    def test_it_grows_with_the_days(self):
        ages = [
            strict_transport.GrowingMaxAge().seconds(1_000_000 + days * DAY) for days in (0, 0.9, 1, 6.9, 7, 30, 900)
        ]
        assert ages == [300, 300, DAY, DAY, 30 * DAY, 365 * DAY, 365 * DAY]

    def test_a_clock_that_is_set_back_does_no_harm(self):
        strict_transport.GrowingMaxAge().seconds(1_000_000)
        assert strict_transport.GrowingMaxAge().seconds(0) == 300

    def test_it_begins_anew_after_a_start_without_tls(self, settings):
        strict_transport.GrowingMaxAge().seconds(1_000_000)
        settings.SECURE_PROXY_SSL_HEADER = None
        SecurityHeaders(None)
        assert strict_transport.GrowingMaxAge().seconds(1_000_000 + 40 * DAY) == 300

    @pytest.mark.parametrize("content", ["", "nonsense", "nan"])
    def test_a_damaged_file_begins_anew(self, settings, content):
        settings.CACHE_ROOT.mkdir()
        (settings.CACHE_ROOT / strict_transport.FILE_NAME).write_text(content)
        assert strict_transport.GrowingMaxAge().seconds(1_000_000) == 300

    def test_it_stays_short_where_nothing_can_be_written(self, settings, caplog):
        settings.CACHE_ROOT.write_text("no folder")
        assert strict_transport.GrowingMaxAge().seconds(1_000_000) == 300
        assert "does not grow" in caplog.text

    @pytest.mark.parametrize("seconds", [0, 3600])
    def test_a_setting_says_how_long(self, settings, seconds):
        settings.HSTS_SECONDS = seconds
        assert strict_transport.GrowingMaxAge().seconds() == seconds


class TestNginx:
    """What nginx of docker-compose.yml answers itself."""

    def test_it_has_the_same_values(self):
        text = (django_settings.BASE_DIR / "deploy" / "nginx.conf").read_text()
        for name, value in policies.COMMON_HEADERS.items():
            variable = f"{name.lower().replace('-', '_')}_if_missing"
            assert f"add_header {name} ${variable} always;" in text
            assert re.search(rf"\${variable} {{\n\s+'' \"{re.escape(value)}\";\n\s+default '';", text), name

    def test_an_error_without_the_web_process_has_them(self, tmp_path):
        from urllib.error import HTTPError
        from urllib.request import urlopen

        with run_deployed_nginx(f"http://127.0.0.1:{free_port()}", tmp_path) as url:
            with pytest.raises(HTTPError) as raised:
                urlopen(url, timeout=10)
            with urlopen(f"{url}nginx-alive", timeout=10) as response:
                alive = response.headers
        assert raised.value.code == 502
        for name, value in policies.COMMON_HEADERS.items():
            assert raised.value.headers.get_all(name) == alive.get_all(name) == [value]
