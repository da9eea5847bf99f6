"""The archive under a path of YTARCHIVE_PATH: nothing that a real web process answers leads out of it."""

import json
import re
from collections.abc import Callable, Iterator

import pytest
import requests
from django.conf import settings
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from downloads.models import Metadata, StoredFiles, Video
from downloads.progress.keys import SUBPROTOCOL
from downloads.tests.support import factories, nginx, pictures
from downloads.tests.support.ports import free_port
from downloads.tests.support.processes import RunManage, get_status, manage_processes, wait_until_answered
from downloads.tests.support.site_crawler import HTMX_HEADERS, SiteCrawler
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

PASSWORD = "quiet cinema"
PREFIX = "/tube/"
# Deeper, and those that look like paths of our own.
OTHER_PREFIXES = (
    "/static/",
    *(pytest.param(path, marks=pytest.mark.soak) for path in ("/a/b.c/", "/videos/", "/media/", "/admin/")),
)


@pytest.fixture(scope="module")
def web_processes(tmp_path_factory) -> Iterator[Callable[[dict[str, str]], str]]:
    """Return the origin of a web process with this environment, which is started once for all tests."""
    origins: dict[frozenset[tuple[str, str]], str] = {}
    for manage in manage_processes(tmp_path_factory.mktemp("web")):

        def origin_of(env: dict[str, str], manage: RunManage = manage) -> str:
            key = frozenset(env.items())
            if key not in origins:
                port = free_port()
                process = manage("web", "--port", str(port), env=env)
                origins[key] = f"http://127.0.0.1:{port}"
                wait_until_answered(f"{origins[key]}/healthz", process)
            return origins[key]

        yield origin_of


@pytest.fixture
def start_web(web_processes, static_files, redis_server):
    """Return the origin of a web process under a path."""

    def start(prefix: str = PREFIX, **env: str) -> str:
        defaults = {"YTARCHIVE_PRIVATE": "0", "DJANGO_ALLOWED_HOSTS": "127.0.0.1"}
        return web_processes({"YTARCHIVE_PATH": prefix, **defaults, **env})

    return start


@pytest.fixture
def film(transactional_db) -> Video:
    """A video with all files, in an archive of several pages with videos in every state."""
    factories.create_videos(30)
    url = "http://film.example.org/"
    Video.objects.ingest(url, url)
    video = Video.objects.claim("w")
    assert video
    folder = settings.MEDIA_ROOT / video.video_id
    folder.mkdir()
    picture = pictures.encode(pictures.two_halves(), "JPEG")
    for ending, content in (("mp4", b"WEBVTT\n"), ("jpg", picture), ("en.vtt", b"WEBVTT\n")):
        (folder / f"film.{ending}").write_bytes(content)
    names = [f"{video.video_id}/film.{ending}" for ending in ("mp4", "jpg", "en.vtt")]
    assert video.save_metadata(
        Metadata(title="A film", uploader="Ada & co", duration=600, description="0:05 Beginning\nhttp://a.example/")
    )
    assert video.finish(StoredFiles(names[0], 7, names[1], [{"language": "en", "file": names[2]}]), lambda: None)
    factories.failed("failed")
    factories.running_with_metadata("running")
    factories.waiting("waiting")
    return video


def sign_in(crawler: SiteCrawler, name: str) -> requests.Response:
    login = f"{crawler.prefix}accounts/login/"
    return crawler.post_form(login, page=login, username=name, password=PASSWORD, next="")


def find_failures(crawler: SiteCrawler, film: Video) -> list[str]:
    """Return the addresses that failed; other videos than the film have no files."""
    failed = [url for url, status in crawler.statuses.items() if status >= 400]
    return [url for url in failed if "/media/" not in url or film.video_id in url]


def create_people() -> None:
    make_user("ada", password=PASSWORD)
    make_user("root", "superuser", password=PASSWORD)


# Pages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "private"),
    [
        ("", "0"),
        ("", "1"),
        ("root", "0"),
        *(pytest.param(*case, marks=pytest.mark.soak) for case in (("ada", "0"), ("ada", "1"), ("root", "1"))),
    ],
)
def test_no_address_leaves_the_path(start_web, film, name, private) -> None:
    create_people()
    crawler = SiteCrawler(start_web(YTARCHIVE_PRIVATE=private), PREFIX)
    if name:
        assert sign_in(crawler, name).headers["Location"] == PREFIX
    page = film.get_absolute_url().removeprefix("/")
    crawler.crawl(
        PREFIX,
        *(PREFIX + path for path in (
            page, f"{page}delete", "accounts/login/", "accounts/logout/", "favicon.ico", "?q=film&sort=title",
            "?q=nothing-like-that", "?state=failed", "?page=2", "admin/", "admin/login/", "admin/downloads/video/",
            f"admin/downloads/video/{film.pk}/history/", f"admin/downloads/video/{film.pk}/delete/",
            "admin/auth/user/1/change/", "admin/auth/user/add/", "admin/password_change/", "admin/jsi18n/",
            f"videos/list?id={film.video_id}", "api/progress", "healthz", "readyz", "metrics",
            *(f"videos/cards?as={kind}&id={film.video_id}" for kind in ("card", "detail", "admin")),
        )),
    )  # fmt: skip
    for path in ("", page, f"{page}delete", "?q=film", "videos/many", "videos/add/"):
        crawler.request(PREFIX + path, headers=HTMX_HEADERS)
        crawler.request(PREFIX + path, "POST", headers=HTMX_HEADERS)
    errors = {
        crawler.request(path, method).status_code
        for method, path in (
            ("GET", "/"), ("GET", "/videos/"), ("GET", f"{PREFIX}nowhere"), ("GET", f"{PREFIX}videos/nope/"),
            ("GET", f"{PREFIX}accounts/logout/"), ("POST", f"{PREFIX}accounts/login/"), ("GET", f"{PREFIX}admin/nope"),
            ("POST", "/"),
        )
    }  # fmt: skip

    assert crawler.strays == []
    assert errors >= {404, 405, 403}
    assert {status for status in crawler.statuses.values() if status >= 500} <= {503}
    sees_library = name != "" or private == "0"
    assert any("/static/js/library." in path for path in crawler.paths()) == sees_library
    if name == "root":
        assert {f"{PREFIX}admin/auth/user/1/change/", f"{PREFIX}media/{film.video_id}/video"} <= crawler.paths()
        assert any(path.startswith(f"{PREFIX}static/admin/img/") for path in crawler.paths())  # from a style sheet


def test_no_action_leaves_the_path(start_web, film) -> None:
    create_people()
    crawler = SiteCrawler(start_web(), PREFIX)
    sign_in(crawler, "root")
    page = PREFIX + film.get_absolute_url().removeprefix("/")
    queue = f"{PREFIX}queue/"
    locations = [
        crawler.post_form(path, headers=headers, **data).headers.get("Location", "")
        for headers in (None, HTMX_HEADERS)
        for path, data in (
            (f"{PREFIX}videos/add/", {"urls": "http://93.184.215.14/one.mp4", "quality": "best"}),
            (f"{PREFIX}videos/add/", {"urls": "nonsense", "quality": "best"}),
            (f"{page}again", {"next": page}),
            (f"{page}cancel", {}),
            (f"{page}retry", {"next": "/other/"}),
            (f"{PREFIX}videos/many", {"do": "retry", "id": film.video_id}),
            (f"{PREFIX}videos/many", {"do": "delete", "id": film.video_id}),
            *((f"{queue}{name}", {}) for name in ("pause", "resume", "cancel-all", "retry-failed")),
            (f"{PREFIX}admin/downloads/video/delete/", {"chosen": "999"}),
            (f"{PREFIX}admin/downloads/video/", {"action": "retry", "_selected_action": film.pk}),
        )
    ]
    locations += [crawler.post_form(f"{page}delete", next=page).headers["Location"]]
    after = crawler.request(PREFIX).text
    locations += [crawler.post_form(f"{PREFIX}accounts/logout/").headers["Location"]]

    assert crawler.strays == []
    assert {location for location in locations if location} <= {
        PREFIX, page, f"{PREFIX}admin/downloads/video/", crawler.origin + PREFIX
    }  # fmt: skip
    messages = re.findall(r'<div class="message [^"]*">\s*<span>(.*?)</span>', after)
    assert messages == ["Deleted A film."]  # through its cookie


@pytest.mark.parametrize("page", ["accounts/login/", "admin/login/"])
def test_signing_in_does_not_lead_out_of_the_path(start_web, transactional_db, page) -> None:
    create_people()
    origin = start_web()
    for next_url in (
        "/", "/other/", "/tubes/", "/tube/../other/", "/tube/%2e%2E/other/", "/tube\\..\\other",
        "/tube/a/../../other/", "../../../other/", f"{origin}/other/", "//evil.example/tube/",
    ):  # fmt: skip
        crawler = SiteCrawler(origin, PREFIX)
        login = crawler.session.get(origin + PREFIX + page, params={"next": next_url}, timeout=10)
        assert f'value="{next_url}"' not in login.text
        assert login.url.startswith(f"{origin}{PREFIX}accounts/login/")
        path = login.url.removeprefix(origin)

        response = crawler.post_form(path, path, username="root", password=PASSWORD, next=next_url)

        assert response.headers["Location"] == PREFIX + ("admin/" if page.startswith("admin") else ""), next_url


def test_signing_in_leads_back_within_the_path(start_web, film) -> None:
    create_people()
    crawler = SiteCrawler(start_web(YTARCHIVE_PRIVATE="1"), PREFIX)
    page = PREFIX + film.get_absolute_url().removeprefix("/")
    login = crawler.request(page).headers["Location"]
    assert login == f"{PREFIX}accounts/login/?next={page}"

    response = crawler.post_form(login, page=login, username="ada", password=PASSWORD)

    assert response.headers["Location"] == page


# Proxies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("removes_path", [False, True], ids=["keeps the path", "removes the path"])
def test_a_proxy_may_keep_the_path_or_remove_it(start_web, film, tmp_path, removes_path) -> None:
    create_people()
    web_url = start_web(YTARCHIVE_PRIVATE="1")
    with nginx.run_documented_nginx(web_url, tmp_path, removes_path=removes_path) as url:
        crawler = SiteCrawler(url.rstrip("/"), PREFIX)
        page = PREFIX + film.get_absolute_url().removeprefix("/")
        login = crawler.request(page).headers["Location"]
        assert login == f"{PREFIX}accounts/login/?next={page}"
        assert crawler.post_form(login, login, username="root", password=PASSWORD).headers["Location"] == page

        crawler.crawl(page, PREFIX, f"{PREFIX}admin/downloads/video/", f"{PREFIX}favicon.ico", f"{PREFIX}healthz")

        assert crawler.strays == []
        assert find_failures(crawler, film) == []
        assert {page, f"{PREFIX}media/{film.video_id}/video"} <= crawler.paths()
        assert crawler.post_form(f"{PREFIX}queue/pause", next=page).headers["Location"] == page
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in crawler.session.cookies)
        with connect(
            f"{url.replace('http', 'ws', 1)}tube/ws/progress",
            origin=url.rstrip("/"),
            subprotocols=[SUBPROTOCOL],
            additional_headers={"Cookie": cookie},
        ) as client:
            assert json.loads(client.recv(timeout=10))["type"] == "snapshot"


def test_requests_without_the_path_are_under_it(start_web, film) -> None:
    origin = start_web()
    for path, status in (
        ("/", 200), ("//", 200), ("/?q=film", 200), (film.get_absolute_url(), 200), ("/accounts/login/", 200),
        (f"/media/{film.video_id}/video", 200), ("/admin/", 302), ("/tubes/", 404), ("/nowhere", 404),
        ("/tube/tube/", 404), ("//evil.example/tube/", 404), ("/videos", 404),
    ):  # fmt: skip
        response = requests.get(origin + path, allow_redirects=False, timeout=10)
        assert response.status_code == status, path
        assert response.headers.get("Location", PREFIX).startswith(PREFIX)
        assert 'href="/accounts' not in response.text

    redirect = requests.get(f"{origin}/tube?q=a%20b", allow_redirects=False, timeout=10)
    assert (redirect.status_code, redirect.headers["Location"]) == (301, f"{PREFIX}?q=a%20b")


def test_probes_are_answered_with_and_without_the_path(start_web) -> None:
    origin = start_web()
    for prefix in ("/", PREFIX):
        assert requests.get(f"{origin}{prefix}healthz", timeout=10).text == "ok\n"
        assert "checks" in requests.get(f"{origin}{prefix}readyz", timeout=10).json()
        assert "ytarchive_" in requests.get(f"{origin}{prefix}metrics", timeout=10).text
    assert get_status(f"{origin}/tubehealthz") == 404


def test_the_socket_is_under_the_path(start_web) -> None:
    origin = start_web()
    address = origin.replace("http", "ws", 1)
    with connect(f"{address}{PREFIX}ws/progress", origin=origin, subprotocols=[SUBPROTOCOL]) as client:
        assert json.loads(client.recv(timeout=10))["type"] == "snapshot"
    for path in ("/tubews/progress", "/tube/tube/ws/progress"):
        with pytest.raises(InvalidStatus, match="403"), connect(address + path, origin=origin):
            pass


def test_a_client_does_not_choose_the_path(start_web, film) -> None:
    origin = start_web("/")
    other_page = requests.get(origin, headers={"Daphne-Root-Path": "/evil"}, timeout=10)
    page = requests.get(origin, timeout=10)

    assert other_page.status_code == page.status_code == 200
    assert "/evil" not in page.text  # the parts that are cached for all visitors
    assert "/evil" not in other_page.text
    address = origin.replace("http", "ws", 1)
    with connect(
        f"{address}/ws/progress", subprotocols=[SUBPROTOCOL], additional_headers={"Daphne-Root-Path": "/evil"}
    ) as client:
        assert json.loads(client.recv(timeout=10))["type"] == "snapshot"


# Other paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", OTHER_PREFIXES)
def test_any_path_works(start_web, film, prefix) -> None:
    create_people()
    crawler = SiteCrawler(start_web(prefix), prefix)
    assert sign_in(crawler, "root").headers["Location"] == prefix

    page = prefix + film.get_absolute_url().removeprefix("/")
    crawler.crawl(page, prefix, f"{prefix}admin/downloads/video/")

    assert crawler.strays == []
    assert find_failures(crawler, film) == []
    assert {page, prefix, f"{prefix}admin/downloads/video/", f"{prefix}media/{film.video_id}/video"} <= crawler.paths()
    address = crawler.origin.replace("http", "ws", 1)
    with connect(f"{address}{prefix}ws/progress", subprotocols=[SUBPROTOCOL]) as client:
        assert json.loads(client.recv(timeout=10))["type"] == "snapshot"


def test_a_developers_server_serves_its_files_under_the_path(start_web, film) -> None:
    crawler = SiteCrawler(start_web(DJANGO_DEBUG="1"), PREFIX)
    crawler.crawl(PREFIX)

    assert crawler.strays == []
    assert f"{PREFIX}static/js/live_page.js" in crawler.paths()


def test_the_deployed_nginx_passes_on_any_path(start_web, tmp_path) -> None:
    with nginx.run_deployed_nginx(start_web(), tmp_path) as url:
        assert requests.get(f"{url}tube/", timeout=10).status_code == 200
        address = url.replace("http", "ws", 1)
        with connect(f"{address}tube/ws/progress", origin=url.rstrip("/"), subprotocols=[SUBPROTOCOL]) as client:
            assert json.loads(client.recv(timeout=10))["type"] == "snapshot"


def test_other_programs_of_the_host_keep_their_cookies(start_web, film) -> None:
    create_people()
    crawler = SiteCrawler(start_web(), PREFIX)
    # Browsers send a cookie of "/" to all paths, after those of a longer path.
    others = {"sessionid": "another's", "csrftoken": "another's", "messages": "another's"}
    for name, value in others.items():
        crawler.session.cookies.set(name, value, domain="127.0.0.1", path="/")
    sign_in(crawler, "root")
    crawler.post_form(f"{PREFIX}queue/pause")
    assert "Sign out" in crawler.request(PREFIX).text

    kept = {cookie.name: cookie.value for cookie in crawler.session.cookies if cookie.path == "/"}
    assert kept == others
    assert {cookie.path for cookie in crawler.session.cookies if cookie.name not in others} == {PREFIX}
