"""Fixtures of the audit log's tests."""

import pytest

from downloads.models import AuditEntry


@pytest.fixture
def superuser_client(superuser_client):
    """Forget the sign-in."""
    AuditEntry.objects.all().delete()
    return superuser_client
