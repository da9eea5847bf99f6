"""Tabs that a channel does not have: no failure, for the first ones of a new tab are to be seen; but it is said."""

from downloads.models import ChannelTab, Subscription
from downloads.subscriptions.ledger.limits import check_transaction
from downloads.subscriptions.ledger.outcome import Outcome
from downloads.subscriptions.walks import read_cursor, write_cursor, write_missing_tab


def note_missing(subscription: Subscription, tab: str) -> Outcome:
    """Keep that the channel does not have this tab, with an event when that is new; its items stay as they are."""
    outcome = Outcome()
    if tab in subscription.missing_tabs:
        return outcome
    with check_transaction(subscription):
        current = subscription.leased_row().select_for_update().first()
        if current is None:
            outcome.is_lease_lost = True
            return outcome
        # What comes into a tab that was not there is new. One that was there, and is to be read anew, is not.
        if read_cursor(current, tab) is None and not current.items.filter(tab=tab).exists():
            current.positions = write_cursor(current, tab, {})
        subscription.positions = write_missing_tab(current, tab)
        current.leased_row().update(positions=subscription.positions)
        current.record_event(f"The channel has no “{ChannelTab(tab).label}” now")
    return outcome
