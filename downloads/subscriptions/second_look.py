"""The second judgement of a video that a subscription has queued: by the real facts, which its look-up found."""

from downloads.models import Metadata, Video


def judge_looked_up(video: Video, metadata: Metadata) -> str:
    """Return why nobody wants this video after its look-up, a sentence; "" if it is to be downloaded.

    Only a video that came by subscriptions alone, was never here and was not asked for by a person is judged.
    """
    raise NotImplementedError


def set_aside(video: Video, state: str, reason: str) -> bool:
    """Remove a video that its subscriptions do not want after all; its items get `state` and the reason.

    Nothing of it is kept in the archive, nor shown as failed. False if the lease is lost.
    """
    raise NotImplementedError
