"""`manage.py publish`: publishes progress by hand or from a script."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from downloads.pluralization import format_count
from downloads.progress import keys, message, publisher


class Command(BaseCommand):
    """Publish one message on `progress:<video_id>`."""

    requires_system_checks = ()  # for a fast start; `manage.py check` runs them
    help = "Publishes progress, for example: manage.py publish demo:1 '{\"percent\": 42}'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("video_id")
        parser.add_argument("json", help='a JSON object such as {"percent": 42}')

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            message.parse_video_id(keys.progress_channel(options["video_id"]))
            progress = message.Progress.from_json(os.fsencode(options["json"]))
        except message.InvalidMessage as error:
            raise CommandError(REASON_MESSAGES[error.reason]) from error
        if not publisher.publish_progress(options["video_id"], progress):
            raise CommandError("Can’t reach Redis. Is `manage.py up` running, and is REDIS_URL right?")
        subscribers = format_count(publisher.count_subscribers(options["video_id"]), "subscriber")
        self.stdout.write(
            f"Published on {keys.progress_channel(options['video_id'])} to {subscribers}."
            " WebSocket clients receive it; pages show only videos that are in the archive."
        )


REASON_MESSAGES = {
    "bad_id": "The video id must be 1 to 64 letters, digits, '_', '-', '.' or ':'.",
    "too_long": f"The message is longer than {message.MAX_MESSAGE_BYTES} bytes.",
    "no_json": 'That isn’t valid JSON. An example: {"percent": 42}',
    "no_object": 'The message must be a JSON object. An example: {"percent": 42}',
    "no_field": f"No known field. Use: {', '.join(message.FIELD_PARSERS)}.",
}
