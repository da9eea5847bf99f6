"""The arguments of `manage.py work`."""

import pytest
from django.core.management import CommandError, call_command

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("workers", ["0", "-1", "65", "two", "1.5"])
def test_it_takes_a_sensible_number_of_workers(workers):
    with pytest.raises(CommandError, match="no whole number from 1 to 64"):
        call_command("work", "--workers", workers)
