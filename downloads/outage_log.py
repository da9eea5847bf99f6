"""Log lines about an outage: one when it begins, one when it ends."""

import logging


class OutageLog:
    """Log the first failure of an outage as a warning, and the first success after it as info.

    `failure_message` is a format with one argument, the error. The lines carry the name of `logger`.
    """

    def __init__(self, logger: logging.Logger, failure_message: str, recovery_message: str) -> None:
        self._logger = logger
        self._failure_message = failure_message
        self._recovery_message = recovery_message
        self.is_down = False

    def failed(self, error: object) -> None:
        """Record a failure; log it unless this outage is logged already."""
        if not self.is_down:
            self._logger.warning(self._failure_message, error)
        self.is_down = True

    def recovered(self) -> None:
        """Record a success; log it if there was an outage."""
        if self.is_down:
            self._logger.info(self._recovery_message)
        self.is_down = False
