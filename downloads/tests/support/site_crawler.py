"""Crawler that collects every address of the site that leaves its path, from pages, files, redirects and cookies."""

import re
from collections import Counter
from urllib.parse import urljoin, urlsplit

import requests

from downloads.tests.support.page_addresses import (
    ADDRESS_HEADERS,
    FETCHED_ATTRIBUTES,
    find_addresses,
    resolve_on_same_host,
)

MAX_REQUESTS_PER_KIND = 4  # of URLs that differ by the query, a number or a video's id only
TEXT_TYPES = ("text/html", "text/css", "text/javascript")
HTMX_HEADERS = {"HX-Request": "true"}


class SiteCrawler:
    """One visitor of a site under a path; `strays` lists what leaves it, as "<page>: <what> <address>"."""

    def __init__(self, origin: str, prefix: str) -> None:
        self.origin = origin
        self.prefix = prefix
        self.session = requests.Session()
        self.session.headers["Referer"] = origin + prefix
        self.strays: list[str] = []
        self.statuses: dict[str, int] = {}
        self._requests_per_kind: Counter[str] = Counter()

    def request(self, path: str, method: str = "GET", **options) -> requests.Response:
        """Request a path of the host, and check what is answered."""
        url = urljoin(self.origin, path)
        response = self.session.request(method, url, allow_redirects=False, timeout=30, stream=True, **options)
        is_text = response.headers.get("Content-Type", "").startswith(TEXT_TYPES)
        if not is_text:
            response.close()
        self._check_headers(response)
        for name, address in self._addresses(response) if is_text else ():
            if not address.startswith("#"):
                self._check_address(f"{method} {path}", name, urljoin(url, address), url)
        return response

    def post_form(self, path: str, page: str = "", headers: dict[str, str] | None = None, **data) -> requests.Response:
        """Submit a form to a path with the token of a page, by default the library."""
        html = self.request(page or self.prefix).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
        assert token, html
        return self.request(path, "POST", data={"csrfmiddlewaretoken": token[1], **data}, headers=headers)

    def crawl(self, *paths: str) -> None:
        """Request these paths, and all that they lead to under the prefix."""
        pending = [urljoin(self.origin, path) for path in paths]
        while pending:
            url = pending.pop(0)
            if url in self.statuses or not self._is_worth_a_request(url):
                continue
            response = self.request(url)
            self.statuses[url] = response.status_code
            addresses = [address for name, address in self._addresses(response) if name in FETCHED_ATTRIBUTES]
            addresses += [response.headers["Location"]] if "Location" in response.headers else []
            followed = (resolve_on_same_host(url, address) for address in addresses)
            pending += [address for address in followed if address and urlsplit(address).path.startswith(self.prefix)]

    def paths(self) -> set[str]:
        """Return the paths of all requests that succeeded."""
        return {urlsplit(url).path for url, status in self.statuses.items() if status < 400}

    def _is_worth_a_request(self, url: str) -> bool:
        path = urlsplit(url).path
        is_static = path.startswith(f"{self.prefix}static/")
        kind = url if is_static else re.sub(r"/(media|videos)/[\w-]{11,}/|/\d+/", "/#/", path)
        self._requests_per_kind[kind] += 1
        return self._requests_per_kind[kind] <= MAX_REQUESTS_PER_KIND

    def _addresses(self, response: requests.Response) -> list[tuple[str, str]]:
        content_type = response.headers.get("Content-Type", "")
        return find_addresses(content_type, response.text) if content_type.startswith(TEXT_TYPES) else []

    def _check_headers(self, response: requests.Response) -> None:
        page = f"{response.request.method} {response.url}"
        for name in ADDRESS_HEADERS:
            if name in response.headers:
                self._check_address(page, name, response.headers[name], response.url)
        for cookie in response.raw.headers.getlist("Set-Cookie"):
            path = re.search(r"; Path=([^;]*)", cookie, re.IGNORECASE)
            if not path or path[1] != self.prefix:
                self.strays.append(f"{page}: Set-Cookie {cookie}")

    def _check_address(self, page: str, name: str, address: str, page_url: str) -> None:
        url = resolve_on_same_host(page_url, address)
        if url and not urlsplit(url).path.startswith(self.prefix):
            self.strays.append(f"{page}: {name} {address}")
