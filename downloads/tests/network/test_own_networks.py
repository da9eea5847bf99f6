"""Networks of this machine, read in network namespaces with interfaces of their own."""

import ipaddress
import json
import socket
import subprocess
import sys

import pytest
from django.conf import settings

from downloads.network import address_policy, own_networks

# A public IPv4 /24 and IPv6 /64 on one interface, a peer of its own on another, a prefix that a router announced beside
# an address of DHCPv6, addresses that are local by a route alone, and routers by all kinds of routes.
NETWORKS = """
ip link set lo up
ip link add wan0 type veth peer name wan1
ip addr add 8.8.4.5/24 dev wan0
ip -6 addr add 2a01:4f8:1::5/64 dev wan0 nodad
ip addr add 9.9.1.7 peer 9.9.2.9 dev wan1
ip link set wan0 up
ip link set wan1 up
ip route add default via 8.8.4.1
ip route add 1.1.0.0/16 via 9.9.3.1 dev wan0 onlink
ip route add 1.2.0.0/16 nexthop via 8.8.4.2 nexthop via 9.9.4.1 dev wan0 onlink
ip route add 1.3.0.0/16 via inet6 2a02::77 dev wan0 onlink
ip route add table 100 1.4.0.0/16 via 9.9.5.1 dev wan0 onlink
ip -6 route add 2a03:1:2:3::/64 dev wan0
ip route add local 5.5.5.0/24 dev lo
ip route add 128.0.0.0/1 dev wan0
"""
# Point-to-point interfaces, as those of VPNs: their routes say where the world is, not where neighbours are.
VPN = """
ip tuntap add mode tun vpn0
ip link set vpn0 up
ip addr add 8.7.6.5/24 dev vpn0
ip route add 64.0.0.0/8 dev vpn0
ip route add 65.0.0.0/16 dev vpn0
"""
PROGRAM = """
import django, json, sys
django.setup()
from downloads.network import address_policy
print(json.dumps({address: address_policy.forbidden_reason(address) for address in sys.argv[1:]}))
"""
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
OWN = ["8.8.4.5", "2a01:4f8:1::5", "9.9.1.7", "5.5.5.200", "::ffff:8.8.4.5", "64:ff9b::8.8.4.5"]
NEIGHBOURS = ["8.8.4.77", "8.8.4.255", "2a01:4f8:1::77", "9.9.2.9", "2a03:1:2:3::9"]
ROUTERS = ["8.8.4.1", "8.8.4.2", "9.9.3.1", "9.9.4.1", "9.9.5.1", "2a02::77"]
OUTSIDE = ["8.8.5.1", "1.1.1.1", "2a01:4f8:2::1", "9.9.9.9", "129.0.0.1", "2a03:1:2:4::1"]
BEHIND_VPN = ["64.1.1.1", "65.0.1.1"]


@pytest.fixture(scope="module")
def reasons() -> dict[str, str]:
    """Return the reasons of all addresses on a machine with these networks; skip where it cannot be made."""
    program = [sys.executable, "-c", PROGRAM, *OWN, *NEIGHBOURS, *ROUTERS, *OUTSIDE, *BEHIND_VPN, "8.7.6.77"]
    script = f'set -e\n{NETWORKS}\n{VPN}\nexec "$@"'
    command = ["unshare", "--net", "sh", "-c", script, "sh", *program]
    env = {"DJANGO_SETTINGS_MODULE": "ytarchive.settings", "YTARCHIVE_DATA": str(settings.DATA), "PATH": PATH}
    try:
        process = subprocess.run(command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("unshare(1) is not installed")
    if process.returncode and "Traceback" not in process.stderr:
        pytest.skip(f"network namespaces with interfaces are not permitted here: {process.stderr.strip()}")
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


@pytest.mark.parametrize("address", OWN)
def test_it_finds_its_own_public_addresses(reasons, address):
    assert reasons[address] == "this machine itself"


@pytest.mark.parametrize("address", [*NEIGHBOURS, "8.7.6.77"])
def test_it_finds_neighbours_with_public_addresses(reasons, address):
    assert reasons[address] == "an address of this machine's own network"


@pytest.mark.parametrize("address", ROUTERS)
def test_it_finds_routers(reasons, address):
    assert reasons[address] == "a router of this machine's network"


@pytest.mark.parametrize("address", [*OUTSIDE, *BEHIND_VPN])
def test_it_leaves_the_rest_of_the_world(reasons, address):
    assert reasons[address] == ""


@pytest.fixture
def fake_networks(monkeypatch):
    """Return a list of networks of this machine, which are read again at every call."""
    networks: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]] = []
    monkeypatch.setattr(own_networks, "read_own_networks", lambda: own_networks.OwnNetworks(tuple(networks)))
    monkeypatch.setattr(own_networks, "REFRESH_SECONDS", 0)
    monkeypatch.setattr(own_networks, "REFRESH_COST_FACTOR", 0)
    own_networks.clear_cache()
    yield networks
    own_networks.clear_cache()


def test_it_follows_changes_when_it_connects(fake_networks):
    assert not address_policy.is_forbidden("8.8.4.77")

    fake_networks.append((ipaddress.ip_network("8.8.4.0/24"), own_networks.NEIGHBOUR))

    with pytest.raises(
        address_policy.AddressForbidden, match=r"a\.example is an address of this machine's own network"
    ):
        address_policy.connect_to_host("a.example", 80, lambda host, port: ["8.8.4.77"])


@pytest.mark.usefixtures("private_hosts_allowed")
def test_it_reaches_own_networks_where_private_hosts_are_allowed(fake_networks):
    fake_networks.append((ipaddress.ip_network("8.8.4.0/24"), own_networks.NEIGHBOUR))

    assert not address_policy.is_forbidden("8.8.4.77")


def test_it_still_finds_its_own_addresses_where_the_kernel_does_not_tell(monkeypatch, caplog):
    def refuse(*args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(own_networks, "read_own_networks", refuse)
    monkeypatch.setattr(own_networks, "_cache", own_networks._Cache())

    assert own_networks.find_kind(ipaddress.ip_address("127.0.0.1")) == "this machine itself"
    assert own_networks.find_kind(ipaddress.ip_address("127.0.0.1")) == "this machine itself"
    assert own_networks.find_kind(ipaddress.ip_address("8.8.4.77")) == ""
    assert caplog.text.count("YTARCHIVE_BLOCKED_NETWORKS can name them") == 1


def test_it_reads_them_once_in_a_while_only(monkeypatch):
    readings = []

    def read():
        readings.append(1)
        return own_networks.OwnNetworks(())

    monkeypatch.setattr(own_networks, "read_own_networks", read)
    monkeypatch.setattr(own_networks, "_cache", own_networks._Cache())
    for _ in range(100):
        own_networks.find_kind(ipaddress.ip_address("8.8.4.77"))

    assert len(readings) == 1


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="this system has no netlink")
def test_it_knows_the_loopback_interface_of_this_machine():
    assert own_networks.read_own_networks().find_kind(ipaddress.ip_address("127.0.0.1")) == "this machine itself"
