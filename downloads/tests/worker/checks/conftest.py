"""A real check of a list, run in this process."""

import pytest

from downloads.models import Subscription
from downloads.network.proxy import EgressProxy
from downloads.subscriptions import verbs
from downloads.worker.checks import check
from downloads.worker.checks.request_gate import RequestGate
from downloads.ytdlp import options


@pytest.fixture(autouse=True)
def _environment(settings, monkeypatch, child_environment, redis_server):
    settings.HOST_GAP = 0
    monkeypatch.setattr(options, "_retry_delay", lambda n: 0.0)


@pytest.fixture
def follow():
    """Follow a list; by default everything of it is fetched."""

    def subscribe(url, **values):
        return verbs.subscribe(url, **{"start": "all", **values})[0]

    return subscribe


@pytest.fixture
def run_check():
    """Check a subscription now, whether it is due or not; return its report, and have the row as it is then."""

    def run(subscription, **values):
        claimed = Subscription.objects.claim_check("test", [subscription.key])
        assert claimed, "it cannot be claimed now"
        reports = []
        with EgressProxy() as proxy:
            check.run_check(claimed, proxy_url=proxy.url, gate=RequestGate(claimed), on_report=reports.append, **values)
        subscription.refresh_from_db()
        return reports[0] if reports else None

    return run
