"""Sites by their host names: which names lead to the same servers, and are counted, paused and asked as one."""

# Names of one site that have nothing in common.
SITE_ALIASES = {
    "youtu.be": "youtube.com",
    "youtube-nocookie.com": "youtube.com",
    "music.youtube.com": "youtube.com",
    "dai.ly": "dailymotion.com",
    "player.vimeo.com": "vimeo.com",
    "clips.twitch.tv": "twitch.tv",
    "fb.watch": "facebook.com",
    "vm.tiktok.com": "tiktok.com",
    "x.com": "twitter.com",
}
# Extractors of yt-dlp that know no site: the host says more, what they know is guessed, and their ids are file names or
# numbers on the page, which two videos may share.
# A change needs a migration that creates the triggers again (models/channels/triggers.py), and gives items of
# subscriptions their new identities.
GENERIC_EXTRACTORS = ("Generic", "generic", "HTML5MediaEmbed", "html5", "")
# Beginnings of names under which a site shows itself to other devices.
DEVICE_PREFIXES = ("www.", "m.", "mobile.")


def site_of(host: str) -> str:
    """Return the site of a host name: "youtube.com" for "m.youtube.com" and "youtu.be"; "" for ""."""
    name = host.lower().rstrip(".")
    for prefix in DEVICE_PREFIXES:
        # "m.example" may be a site of its own: a name has two labels at least.
        if name.startswith(prefix) and "." in name.removeprefix(prefix):
            name = name.removeprefix(prefix)
            break
    return SITE_ALIASES.get(name, name)


def names_of_site(site: str) -> tuple[str, ...]:
    """Return all host names of a site, in the form of canonical URLs: those for which `site_of` returns it."""
    bases = (site, *(alias for alias, target in SITE_ALIASES.items() if target == site))
    names = (prefix + base for base in bases for prefix in ("", *DEVICE_PREFIXES))
    return tuple(name for name in names if site and site_of(name) == site)
