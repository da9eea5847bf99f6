"""Triggers that assign each video to its channel, count the channel's videos, and give places in playlists.

Counted is what can be watched: a complete video, also while it is downloaded again.

Triggers rather than code of ours, because rows change in many ways (transitions, removals, bulk actions, the admin,
other programs), and each has to change the counters in its own transaction. On PostgreSQL a function locks the channel
before it looks for the newest video, so that it sees what others have committed meanwhile.
"""

from django.db import connection, transaction

from downloads.network.sites import GENERIC_EXTRACTORS

_MAX_SECONDS, _MAX_BYTES = 10**9, 2**53 - 1
_NAMES = ", ".join(f"'{name}'" for name in GENERIC_EXTRACTORS)
# A video that came with a playlist has a place in it from the start; the playlist's expansion orders them.
_PLACE = (
    "INTO downloads_playlistitem (playlist_id, video_id, position, title, absence) "
    "SELECT NEW.parent_id, NEW.id, 1 + COALESCE(max(position), 0), NEW.title, '' "
    "FROM downloads_playlistitem WHERE playlist_id = NEW.parent_id"
)
_COUNTED = "channel_id, duration, size, added_at"
_TRIGGER_COLUMNS = "uploader, uploader_url, extractor, url, status, is_list, media_file"


def _counted(row: str) -> str:
    is_redownloading = f"({row}.media_file <> '' AND {row}.status IN ('queued', 'downloading', 'processing'))"
    return f"(({row}.status = 'complete' OR {is_redownloading}) AND NOT {row}.is_list)"


def _milliseconds(row: str) -> str:
    return (
        f"(CASE WHEN {row}.duration BETWEEN 0 AND {_MAX_SECONDS} "
        f"THEN CAST(round({row}.duration * 1000) AS bigint) ELSE 0 END)"
    )


def _bytes(row: str) -> str:
    return f"(CASE WHEN {row}.size BETWEEN 0 AND {_MAX_BYTES} THEN {row}.size ELSE 0 END)"


def _newest(channel_id: str) -> str:
    return (
        f"(SELECT max(added_at) FROM downloads_video WHERE channel_id = {channel_id} AND {_counted('downloads_video')})"
    )


def _count_sql(row: str, sign: str) -> str:
    """Return the UPDATE that adds a video to the counters of its channel ("+"), or takes it out ("-")."""
    return (
        f"UPDATE downloads_channel SET video_count = video_count {sign} 1, "
        f"total_ms = total_ms {sign} {_milliseconds(row)}, total_bytes = total_bytes {sign} {_bytes(row)}, "
        f"newest_at = {_newest(f'{row}.channel_id')} WHERE id = {row}.channel_id"
    )


# SQLite ----------------------------------------------------------------------------------------

_REST = "substr(NEW.url, instr(NEW.url, '://') + 3)"
_SITE = (
    f"(CASE WHEN NEW.extractor NOT IN ({_NAMES}) THEN NEW.extractor "
    f"ELSE lower(substr({_REST}, 1, instr({_REST} || '/', '/') - 1)) END)"
)
_URL = "COALESCE(NEW.uploader_url, '')"
_HAS_CHANNEL = f"(NEW.uploader <> '' OR {_counted('NEW')})"
_OWN_ROW = (
    f"(CASE WHEN {_URL} <> '' THEN (SELECT id FROM downloads_channel WHERE url = {_URL}) ELSE (SELECT id FROM "
    f"downloads_channel WHERE site = {_SITE} AND name = NEW.uploader ORDER BY url, id LIMIT 1) END)"
)
_ASSIGN = (
    # The address belongs to the channel that was known by this name alone.
    f"UPDATE downloads_channel SET url = {_URL} WHERE {_HAS_CHANNEL} AND {_URL} <> '' AND url = '' "
    f"AND site = {_SITE} AND name = NEW.uploader "
    f"AND NOT EXISTS (SELECT 1 FROM downloads_channel WHERE url = {_URL})",
    "INSERT OR IGNORE INTO downloads_channel (site, name, url, video_count, total_ms, total_bytes) "
    f"SELECT {_SITE}, NEW.uploader, {_URL}, 0, 0, 0 WHERE {_HAS_CHANNEL} AND {_OWN_ROW} IS NULL",
    "UPDATE downloads_channel SET name = NEW.uploader WHERE NEW.uploader <> '' AND name <> NEW.uploader "
    f"AND {_URL} <> '' AND url = {_URL}",
    f"UPDATE downloads_video SET channel_id = CASE WHEN {_HAS_CHANNEL} THEN {_OWN_ROW} END WHERE id = NEW.id "
    f"AND channel_id IS NOT (CASE WHEN {_HAS_CHANNEL} THEN {_OWN_ROW} END)",
)
SQLITE_TRIGGERS = {
    "downloads_channel_of_new": ("AFTER INSERT", "", "; ".join(_ASSIGN)),
    "downloads_channel_of_changed": (f"AFTER UPDATE OF {_TRIGGER_COLUMNS}", "", "; ".join(_ASSIGN)),
    "downloads_channel_less": (
        f"AFTER UPDATE OF {_COUNTED}, status, is_list, media_file",
        _counted("OLD"),
        _count_sql("OLD", "-"),
    ),
    "downloads_channel_more": (
        f"AFTER UPDATE OF {_COUNTED}, status, is_list, media_file",
        _counted("NEW"),
        _count_sql("NEW", "+"),
    ),
    "downloads_channel_gone": ("AFTER DELETE", _counted("OLD"), _count_sql("OLD", "-")),
    "downloads_place_of_new": ("AFTER INSERT", "NEW.parent_id IS NOT NULL", f"INSERT OR IGNORE {_PLACE}"),
    "downloads_place_of_changed": (
        "AFTER UPDATE OF parent_id",
        "NEW.parent_id IS NOT NULL",
        f"INSERT OR IGNORE {_PLACE}",
    ),
}

# PostgreSQL ------------------------------------------------------------------------------------

_LOCK = "PERFORM 1 FROM downloads_channel WHERE id = {row}.channel_id FOR UPDATE"
POSTGRES_FUNCTIONS = (
    f"""
CREATE OR REPLACE FUNCTION downloads_channel_assign() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    own_site text := CASE WHEN NEW.extractor NOT IN ({_NAMES}) THEN NEW.extractor
        ELSE left(lower(COALESCE(substring(NEW.url from '://([^/]*)'), '')), 255) END;
    own_url text := COALESCE(NEW.uploader_url, '');
    found_id bigint;
    found_name text;
BEGIN
    NEW.channel_id := NULL;
    IF NOT {_HAS_CHANNEL} THEN RETURN NEW; END IF;
    IF own_url <> '' THEN
        SELECT id, name INTO found_id, found_name FROM downloads_channel WHERE url = own_url;
        IF found_id IS NULL THEN
            -- The address belongs to the channel that was known by this name alone.
            UPDATE downloads_channel SET url = own_url WHERE url = '' AND site = own_site AND name = NEW.uploader;
            INSERT INTO downloads_channel (site, name, url, video_count, total_ms, total_bytes)
                VALUES (own_site, NEW.uploader, own_url, 0, 0, 0) ON CONFLICT DO NOTHING;
            SELECT id, name INTO found_id, found_name FROM downloads_channel WHERE url = own_url;
        END IF;
        IF NEW.uploader <> '' AND found_name <> NEW.uploader THEN
            UPDATE downloads_channel SET name = NEW.uploader WHERE id = found_id;
        END IF;
    ELSE
        SELECT id INTO found_id FROM downloads_channel WHERE site = own_site AND name = NEW.uploader
            ORDER BY url, id LIMIT 1;
        IF found_id IS NULL THEN
            INSERT INTO downloads_channel (site, name, url, video_count, total_ms, total_bytes)
                VALUES (own_site, NEW.uploader, '', 0, 0, 0) ON CONFLICT DO NOTHING;
            SELECT id INTO found_id FROM downloads_channel WHERE site = own_site AND name = NEW.uploader
                ORDER BY url, id LIMIT 1;
        END IF;
    END IF;
    NEW.channel_id := found_id;
    RETURN NEW;
END $$""",
    f"""
CREATE OR REPLACE FUNCTION downloads_channel_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND {_counted("OLD")} THEN
        {_LOCK.format(row="OLD")};
        {_count_sql("OLD", "-")};
    END IF;
    IF TG_OP <> 'DELETE' AND {_counted("NEW")} THEN
        {_LOCK.format(row="NEW")};
        {_count_sql("NEW", "+")};
    END IF;
    RETURN NULL;
END $$""",
    f"""
CREATE OR REPLACE FUNCTION downloads_place_add() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.parent_id IS NOT NULL THEN INSERT {_PLACE} ON CONFLICT DO NOTHING; END IF;
    RETURN NULL;
END $$""",
)
POSTGRES_TRIGGERS = {
    "downloads_channel_assign": f"BEFORE INSERT OR UPDATE OF {_TRIGGER_COLUMNS} ON downloads_video "
    "FOR EACH ROW EXECUTE FUNCTION downloads_channel_assign()",
    # Also of the columns for which the other trigger may change the channel.
    "downloads_channel_count": f"AFTER INSERT OR UPDATE OF {_TRIGGER_COLUMNS}, {_COUNTED} OR DELETE ON downloads_video "
    "FOR EACH ROW EXECUTE FUNCTION downloads_channel_count()",
    "downloads_place_add": "AFTER INSERT OR UPDATE OF parent_id ON downloads_video "
    "FOR EACH ROW EXECUTE FUNCTION downloads_place_add()",
}
_MINE = f"FROM downloads_video v WHERE v.channel_id = downloads_channel.id AND {_counted('v')}"
# Assigns each video again, by the triggers.
ASSIGN_SQL = "UPDATE downloads_video SET uploader = uploader"
COUNT_SQL = (
    f"UPDATE downloads_channel SET video_count = (SELECT count(*) {_MINE}), "
    f"total_ms = (SELECT COALESCE(sum({_milliseconds('v')}), 0) {_MINE}), "
    f"total_bytes = (SELECT COALESCE(sum({_bytes('v')}), 0) {_MINE}), newest_at = (SELECT max(added_at) {_MINE})"
)


def install_triggers() -> None:
    """Create the triggers if some are missing, as after a migration of SQLite that rebuilt the table; then recount."""
    expected = SQLITE_TRIGGERS if connection.vendor == "sqlite" else POSTGRES_TRIGGERS
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            if connection.vendor == "sqlite"
            else "SELECT tgname FROM pg_trigger WHERE tgrelid = 'downloads_video'::regclass"
        )
        existing = {name for (name,) in cursor.fetchall()}
    if not expected.keys() <= existing:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in _create_statements():
                cursor.execute(statement)
        recount()


def replace_triggers() -> None:
    """Create all triggers anew, since they count something else now, and count each channel."""
    with transaction.atomic(), connection.cursor() as cursor:
        for name in SQLITE_TRIGGERS if connection.vendor == "sqlite" else POSTGRES_TRIGGERS:
            on_table = "" if connection.vendor == "sqlite" else " ON downloads_video"
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")
        for statement in (*_create_statements(), COUNT_SQL):
            cursor.execute(statement)


def recount() -> None:
    """Assign every video to its channel again, and count each channel anew."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (ASSIGN_SQL, COUNT_SQL):
            cursor.execute(statement)


def _create_statements() -> list[str]:
    if connection.vendor == "sqlite":
        return [
            f"CREATE TRIGGER IF NOT EXISTS {name} {event} ON downloads_video"
            f"{f' WHEN {condition}' if condition else ''} BEGIN {body}; END"
            for name, (event, condition, body) in SQLITE_TRIGGERS.items()
        ]
    return [
        *POSTGRES_FUNCTIONS,
        *(f"CREATE OR REPLACE TRIGGER {name} {definition}" for name, definition in POSTGRES_TRIGGERS.items()),
    ]
