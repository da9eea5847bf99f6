"""The client's address behind proxies."""

import pytest
from django.test import RequestFactory

from downloads.accounts import client_address


@pytest.mark.parametrize(("proxies", "forwarded_for", "address"), [
    (0, "1.2.3.4", "9.9.9.9"),
    (1, "1.2.3.4", "1.2.3.4"),
    (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
    (2, "6.6.6.6, 1.2.3.4, 5.5.5.5", "1.2.3.4"),
    (2, "1.2.3.4", "9.9.9.9"),
    (1, "", "9.9.9.9"),
    (1, "nonsense", "9.9.9.9"),
    (1, "2001:DB8:1:2::1", "2001:db8:1:2::"),
    (1, "[2001:db8:1:2::1]:4711", "2001:db8:1:2::"),
    (1, "1.2.3.4:4711", "1.2.3.4"),
    (1, "::ffff:1.2.3.4", "1.2.3.4"),
])  # fmt: skip
def test_it_believes_its_own_proxies_only(settings, proxies, forwarded_for, address) -> None:
    settings.PROXIES = proxies
    request = RequestFactory(REMOTE_ADDR="9.9.9.9").get("/", headers={"X-Forwarded-For": forwarded_for})
    assert client_address.get_client_address(request) == address
