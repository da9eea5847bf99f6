"""Identity of a list: its name, kind and id at its site, which stay when its URL changes."""

from django.db import IntegrityError

from downloads.models import ListKind, Subscription
from downloads.subscriptions.ledger.candidates import storable_text
from downloads.subscriptions.ledger.limits import check_transaction
from downloads.ytdlp.results import Listing


class SameList(Exception):
    """Another subscription has the same list; the message names it."""


def save_identity(subscription: Subscription, listing: Listing) -> bool:
    """Keep the name, id and kind of a list, after the first listing of a check; False if the lease is lost.

    The name that a person has given stays. Raise SameList if another subscription has this list under another URL.
    """
    changes = {
        "kind": ListKind.CHANNEL if listing.is_channel else ListKind.PLAYLIST,
        "extractor": storable_text(listing.extractor).strip()[:100],
        "source_id": storable_text(listing.source_id).strip()[:255],
    }
    if not subscription.name:
        changes["name"] = storable_text(listing.title).strip()[:500]
    changes = {name: value for name, value in changes.items() if value}
    try:
        with check_transaction(subscription):
            is_written = subscription.leased_row().update(**changes) == 1
    except IntegrityError as error:
        raise SameList(_name_other(subscription, changes)) from error
    subscription.known_length = listing.total or 0
    if is_written:
        for name, value in changes.items():
            setattr(subscription, name, value)
    return is_written


def _name_other(subscription: Subscription, changes: dict[str, str]) -> str:
    others = Subscription.objects.exclude(pk=subscription.pk)
    other = others.filter(extractor=changes.get("extractor", ""), source_id=changes.get("source_id", "")).first()
    return f"This is the same list as the subscription “{other or 'another one'}”."
