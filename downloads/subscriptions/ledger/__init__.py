"""The ledger: what lists hold is compared with all that was seen before, and what is new is judged and queued."""

from downloads.subscriptions.ledger.due import apply_due
from downloads.subscriptions.ledger.identity import SameList, save_identity
from downloads.subscriptions.ledger.listings import EmptyListing, apply
from downloads.subscriptions.ledger.missing_tabs import note_missing
from downloads.subscriptions.ledger.outcome import Outcome

__all__ = ["EmptyListing", "Outcome", "SameList", "apply", "apply_due", "note_missing", "save_identity"]
