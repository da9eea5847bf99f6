"""Middleware that makes the user of a request the actor of the audit log."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from downloads.models.audit.actor import PROGRAM, actor_of, set_actor


class ActorMiddleware(MiddlewareMixin):
    """Name the request's user in the entries that it causes. Comes after the authentication."""

    def process_request(self, request: HttpRequest) -> None:
        """Set the actor; the user is read from the database only when there is something to record."""
        set_actor(lambda: actor_of(request.user))

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Forget the actor, since the thread may serve something else next."""
        set_actor(lambda: PROGRAM)
        return response
