"""Sessions in the database whose contents are checked when they are read (SESSION_ENGINE)."""

from typing import Any

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.core.exceptions import ValidationError

MAX_KEY_DIGITS = 18  # a longer number does not fit into the column of a user's id


def checked_session_data(data: Any) -> dict[str, Any]:
    """Return a session's data; {} for data of which Django could not tell whose session it is."""
    if not isinstance(data, dict):
        return {}
    if SESSION_KEY in data:
        try:
            get_user_model()._meta.pk.to_python(data[SESSION_KEY])
        except ValidationError:
            return {}
        if data[SESSION_KEY] is None or len(str(data[SESSION_KEY])) > MAX_KEY_DIGITS:
            return {}
    return data


class SessionStore(DatabaseSessionStore):
    """Django's store; a session that names no possible user is that of nobody."""

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Return the session's data."""
        return checked_session_data(super().decode(session_data))
