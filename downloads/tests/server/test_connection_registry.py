"""The registry of connections and the rate of bodies, with a clock of the tests' own."""

import pytest

from ytarchive.server.limits import bodies, connection, connection_registry
from ytarchive.server.limits.bodies import BodyMeter
from ytarchive.server.limits.connection import ConnectionState
from ytarchive.server.limits.connection_registry import ConnectionRegistry


class FakeChannel:
    """A channel that records what is done with its connection."""

    def __init__(self) -> None:
        self.registry: ConnectionRegistry | None = None
        self.connection = None
        self.ends: list[object] = []

    def refuse(self, status: int) -> None:
        self.ends.append(status)
        self.registry.linger(self.connection)

    def close_idle(self) -> None:
        self.ends.append("idle")
        self.registry.linger(self.connection)

    def abort(self) -> None:
        self.ends.append("abort")


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(connection_registry.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def registry(clock):
    return ConnectionRegistry(8, 4)


@pytest.mark.parametrize(("address", "limit"), [("127.0.0.1", 48), ("::", 48), ("192.0.2.1", 6), ("127.0.0.2", 6)])
def test_this_machine_has_three_quarters_of_all_by_default(clock, monkeypatch, address, limit):
    monkeypatch.setattr(connection, "DEFAULT_MAX_CONNECTIONS_PER_CLIENT", 6)
    registry = ConnectionRegistry(64, 0)
    busy = [connect(registry, address) for _ in range(limit)]
    for channel in busy:
        registry.begin_request(channel.connection, "", None)
    assert not connect(registry, "192.0.2.7").connection.over_limit_status
    assert connect(registry, address).connection.over_limit_status == 429


def connect(registry: ConnectionRegistry, address: str = "192.0.2.1"):
    channel = FakeChannel()
    channel.registry = registry
    channel.connection = registry.add(channel, address)
    return channel


def test_a_head_has_15_seconds_however_it_arrives(registry, clock):
    channel = connect(registry)
    for _ in range(29):
        clock[0] += 0.5
        registry.begin_head(channel.connection)  # a byte
        registry.sweep()
    assert channel.ends == []
    clock[0] += 1
    registry.sweep()
    assert channel.ends == [408]


def test_an_idle_connection_is_closed_without_a_word(registry, clock):
    channel = connect(registry)
    registry.begin_request(channel.connection, "", None)
    registry.end_request(channel.connection)
    clock[0] += connection_registry.KEEP_ALIVE_SECONDS - 1
    registry.sweep()
    assert channel.ends == []
    clock[0] += 2
    registry.sweep()
    assert channel.ends == ["idle"]


def test_the_next_head_of_a_connection_has_15_seconds_too(registry, clock):
    channel = connect(registry)
    registry.begin_request(channel.connection, "", None)
    registry.end_request(channel.connection)
    registry.begin_head(channel.connection)
    clock[0] += 16
    registry.sweep()
    assert channel.ends == [408]


def test_a_request_that_is_being_answered_has_all_the_time(registry, clock):
    channel = connect(registry)
    registry.begin_request(channel.connection, "", None)
    clock[0] += 100_000
    registry.sweep()
    assert channel.ends == []


@pytest.mark.parametrize(("bytes_per_second", "ends"), [(1, [408]), (400, [408]), (600, []), (50_000, [])])
def test_a_body_has_to_arrive_at_a_rate(registry, clock, bytes_per_second, ends):
    channel = connect(registry)
    registry.begin_request(channel.connection, "", BodyMeter(10**9))
    for _ in range(41):
        clock[0] += 1
        registry.add_body_bytes(channel.connection, bytes_per_second)
        registry.sweep()
    assert channel.ends == ends


def test_a_body_may_not_begin_fast_and_then_drip(registry, clock):
    channel = connect(registry)
    registry.begin_request(channel.connection, "", BodyMeter(10**9))
    registry.add_body_bytes(channel.connection, 10_000_000)
    for _ in range(41):
        clock[0] += 1
        registry.add_body_bytes(channel.connection, 1)
        registry.sweep()
    assert channel.ends == [408]


@pytest.mark.parametrize(("chunk_bytes", "is_allowed"), [(1, False), (100, False), (1024, True), (30_000, True)])
def test_chunks_of_a_body_may_not_all_be_small(chunk_bytes, is_allowed):
    body = BodyMeter(10**9)
    body.add_raw(64 * 1024)
    assert all(body.add_decoded(chunk_bytes) for _ in range(3000)) == is_allowed


def test_a_slow_body_may_come_in_small_parts():
    body = BodyMeter(10**9)
    for _ in range(30_000):
        body.add_raw(10)
        assert body.add_decoded(10)
    assert not body.is_too_large()


def test_many_late_heads_are_not_refused_at_once(clock):
    registry = ConnectionRegistry(2000, 2000)
    channels = [connect(registry) for _ in range(600)]
    clock[0] += 16
    refused = []
    for _ in range(4):
        registry.sweep()
        refused.append(sum(408 in channel.ends for channel in channels))
    assert refused == [250, 500, 600, 600]


def test_a_newcomer_takes_the_place_that_waited_longest_of_its_own_address(registry):
    other = connect(registry, "192.0.2.9")
    waiting = [connect(registry) for _ in range(4)]
    newcomer = connect(registry)
    assert (other.ends, newcomer.ends) == ([], [])
    assert [channel.ends for channel in waiting] == [[429], [], [], []]


def test_a_newcomer_over_the_limit_may_ask_for_its_health_only(registry):
    for _ in range(4):
        registry.begin_request(connect(registry).connection, "", None)
    newcomer = connect(registry)
    assert registry.begin_request(newcomer.connection, "", None) == 429
    stranger = connect(registry, "192.0.2.9")
    assert registry.begin_request(stranger.connection, "", None) == 0


def test_a_newcomer_takes_the_place_of_a_reader_that_takes_nothing(registry, clock):
    readers = [connect(registry) for _ in range(4)]
    for reader in readers:
        registry.begin_request(reader.connection, "", None)
    registry.record_unread(readers[2].connection, 1000)
    clock[0] += connection_registry.STALLED_SECONDS + 1
    registry.record_unread(readers[2].connection, 1000)
    registry.record_unread(readers[3].connection, 1000)  # only now
    newcomer = connect(registry)
    assert [reader.ends for reader in readers] == [[], [], ["abort"], []]
    assert registry.begin_request(newcomer.connection, "", None) == 0


def test_the_newest_of_too_many_newcomers_are_heard(registry):
    for number in range(8):
        registry.begin_request(connect(registry, f"192.0.2.{number}").connection, "", None)
    extra = [
        connect(registry, f"198.51.100.{number}") for number in range(connection_registry.MAX_EXTRA_CONNECTIONS + 3)
    ]
    assert [channel.ends for channel in extra[:4]] == [[503], [503], [503], []]
    assert extra[-1].ends == []


def test_behind_a_proxy_each_request_counts_for_its_own_client(registry):
    through_proxy = [connect(registry, "") for _ in range(6)]
    statuses = [registry.begin_request(one.connection, "192.0.2.1", None) for one in through_proxy]
    assert statuses == [0, 0, 0, 0, 429, 429]
    # The proxy uses the connection for another client.
    registry.end_request(through_proxy[0].connection)
    assert registry.begin_request(through_proxy[0].connection, "192.0.2.2", None) == 0


def test_bodies_of_one_client_and_of_all_have_a_limit(registry, monkeypatch):
    monkeypatch.setattr(connection_registry, "MAX_BODY_BYTES_PER_CLIENT", 1000)
    monkeypatch.setattr(connection_registry, "MAX_BODY_BYTES", 1500)
    channels = [connect(registry, address) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")]
    for channel in channels:
        registry.begin_request(channel.connection, "", BodyMeter(10_000))
    assert [registry.add_body_bytes(channel.connection, 600) for channel in channels[:2]] == [0, 429]
    registry.remove(channels[1].connection)
    assert registry.add_body_bytes(channels[2].connection, 901) == 503


def test_nothing_is_left_of_connections_that_ended(registry):
    channels = [connect(registry, f"192.0.2.{number}") for number in range(20)]
    for number, channel in enumerate(channels):
        if not channel.ends:
            registry.begin_request(channel.connection, f"198.51.100.{number}", BodyMeter(10))
            registry.add_body_bytes(channel.connection, 5)
        if number % 3 == 0:
            registry.begin_socket(channel.connection)
        registry.remove(channel.connection)
        registry.remove(channel.connection)
    left = (registry.open, registry.waiting, registry.reading_bodies, registry.extra, registry.lingering)
    assert not any(left)
    assert (registry.sockets, registry.body_bytes, registry.usage_by_address) == (0, 0, {})


def test_refused_connections_do_not_pile_up(registry):
    channels = [connect(registry) for _ in range(connection_registry.MAX_LINGERING + 20)]
    assert [channel.ends for channel in channels].count([429, "abort"]) == 16
    assert channels[-1].connection.state is ConnectionState.HEAD


@pytest.mark.parametrize(("target", "limit"), [
    (b"/videos/add/", "large"),
    (b"/videos/add/?a=b", "large"),
    (b"http://localhost/videos/add/", "large"),
    (b"/videos/add", "small"),
    (b"/videos/add/../many", "small"),
    (b"//videos/add/", "small"),
    (b"/subscriptions/follow/", "large"),
    (b"/subscriptions/follow", "small"),
    (b"/subscriptions/", "small"),
    (b"http://[", "small"),
    (b"/accounts/login/?next=/videos/add/", "small"),
])  # fmt: skip
def test_only_the_forms_that_add_videos_and_follow_lists_may_send_much(settings, target, limit):
    limits = {"small": settings.MAX_FORM_BYTES, "large": settings.DATA_UPLOAD_MAX_MEMORY_SIZE}
    assert bodies.max_body_bytes(target) == limits[limit]
