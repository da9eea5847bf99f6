"""Interim responses, such as 103 Early Hints, which http.client takes for the answer except for 100 Continue."""

import http.client
from http import HTTPStatus

MAX_INTERIM_RESPONSES = 100  # before one final response


class FinalResponse(http.client.HTTPResponse):
    """A response that skips all interim responses before it (RFC 9110, 15.2)."""

    _interim_responses = 0

    def _read_status(self) -> tuple[str, int, str]:
        """Return the status line, that of an interim response as 100, which the caller skips with its headers."""
        version, status, reason = super()._read_status()  # type: ignore[misc]
        if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
            return version, status, reason
        self._interim_responses += 1
        if self._interim_responses > MAX_INTERIM_RESPONSES:
            raise http.client.BadStatusLine("too many interim responses")
        return version, HTTPStatus.CONTINUE, reason


def install() -> None:
    """Have all HTTP clients of this process skip interim responses; urllib3 inherits the class."""
    http.client.HTTPConnection.response_class = FinalResponse
