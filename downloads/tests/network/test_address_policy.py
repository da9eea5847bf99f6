"""Allowed and forbidden addresses."""

import socket

import pytest

from downloads.network import address_policy
from downloads.network.address_policy import is_forbidden


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1"),
        *("169.254.169.254", "192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::2", "fe80::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:10.0.0.1", "::ffff:0:10.0.0.1", "::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::808:808"),
        *("2002:7f00:1::", "2001:0:1::1", "2606:4700::5efe:10.0.0.1", "2606:4700::5efe:8.8.8.8", "4000::1"),
    ],
)
def test_it_forbids_what_is_not_public(address):
    assert is_forbidden(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:4860:4860::8888"]
)
def test_it_lets_public_addresses_through(address):
    assert not is_forbidden(address)


@pytest.mark.usefixtures("private_hosts_allowed")
def test_it_lets_private_addresses_through_where_the_settings_say_so():
    assert not any(map(is_forbidden, ["127.0.0.1", "10.0.0.1", "::1", "fd00::1", "169.254.1.1"]))


@pytest.mark.usefixtures("private_hosts_allowed")
@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "224.0.0.1"])
def test_it_always_forbids_cloud_metadata_addresses(address):
    assert is_forbidden(address)


@pytest.mark.parametrize(
    ("error_number", "words"),
    [
        (socket.EAI_NONAME, "unknown host name a.example"),
        (socket.EAI_AGAIN, "the host name a.example cannot be looked up now"),
    ],
)
def test_it_tells_an_unknown_name_from_a_silent_resolver(monkeypatch, error_number, words):
    def fail(*args, **kwargs):
        raise socket.gaierror(error_number, "")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(address_policy.HostUnreachable, match=words):
        address_policy.resolve_host("a.example", 80)
