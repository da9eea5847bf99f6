"""Allowed and forbidden addresses."""

import ipaddress
import socket

import pytest

from downloads.network import address_policy
from downloads.network.address_policy import is_forbidden
from downloads.tests.support.cases import each_case


@each_case(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1"),
        *("169.254.169.254", "192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::2", "fe80::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:10.0.0.1", "::ffff:0:10.0.0.1", "::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::808:808"),
        *("2002:7f00:1::", "2001:0:1::1", "2606:4700::5efe:10.0.0.1", "2606:4700::5efe:8.8.8.8", "4000::1"),
        # IANA's special-purpose registries
        *("0.1.2.3", "192.0.0.9", "192.0.0.170", "192.31.196.1", "192.52.193.1", "192.88.99.0", "192.88.99.1"),
        *("192.88.99.255", "192.175.48.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "239.255.255.255"),
        *(
            "255.255.255.254",
            "100.127.255.255",
            "::8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::1",
        ),
        *("2001::8.8.8.8", "2001:1::1", "2001:2::1", "2001:3::1", "2001:4:112::1", "2001:10::1", "2001:20::1"),
        *("2001:30::1", "2001:1ff::1", "2002:808:808::1", "2620:4f:8000::1", "3ffe::1", "3fff::1", "5f00::1"),
        *("::ffff:192.88.99.1", "64:ff9b::192.168.1.1", "fe80::1%1", "ff0e::1", "feff::1"),
    ],
)
def test_it_forbids_what_is_not_public(address):
    assert is_forbidden(address)


@each_case(
    "address",
    [
        "8.8.8.8",
        "2606:4700:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2001:4860:4860::8888",
        "192.88.100.1",
        "2001:200::1",
    ],
)
def test_it_lets_public_addresses_through(address):
    assert not is_forbidden(address)


@pytest.mark.usefixtures("private_hosts_allowed")
def test_it_lets_private_addresses_through_where_the_settings_say_so():
    assert not any(map(is_forbidden, ["127.0.0.1", "10.0.0.1", "::1", "fd00::1", "169.254.1.1"]))


@pytest.mark.usefixtures("private_hosts_allowed")
@pytest.mark.parametrize("address", [
    *("169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "224.0.0.1", "168.63.129.16", "fd00:ec2::254%eth0"),
    # by 6to4, Teredo (server, client), both forms of NAT64 for local use, ISATAP, IPv4-compatible and -translated
    *("2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1", "2001:0:808:808:0:0:5601:5601", "64:ff9b:1::169.254.169.254"),
    *("64:ff9b:1:a9fe:a9:fe00::", "2606:4700::5efe:169.254.169.254", "::169.254.169.254", "::ffff:0:169.254.169.254"),
])  # fmt: skip
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


@pytest.mark.parametrize("is_private_allowed", [False, True])
@pytest.mark.parametrize("address", ["8.8.4.4", "::ffff:8.8.4.4", "64:ff9b::8.8.4.4", "2606:4700::1"])
def test_it_never_reaches_networks_that_the_settings_block(settings, is_private_allowed, address):
    settings.ALLOW_PRIVATE_HOSTS = is_private_allowed
    settings.BLOCKED_NETWORKS = [ipaddress.ip_network("8.8.4.0/24"), ipaddress.ip_network("2606:4700::/32")]

    assert "settings block" in address_policy.forbidden_reason(address)
    assert not is_forbidden("8.8.8.8")
