"""Updates of the search index when rows change."""

import json

import pytest
from django.core.management import call_command
from django.db import DataError, connection

from downloads.models import Metadata, StoredFiles, Video
from downloads.search import index, query
from downloads.templatetags.highlight import search_excerpt
from downloads.tests.support.search import create_complete_video, create_unindexed_videos, search_titles
from downloads.tests.support.subtitles import MALFORMED_SUBTITLE_FILES, SAMPLE_WEBVTT


@pytest.mark.django_db
def test_it_finds_subtitles_once_they_are_stored(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    taken = Video.objects.ingest("http://a.example/", "http://a.example/")[0]
    running = Video.objects.claim("w")
    assert running.save_metadata(Metadata(title="Animals"))
    assert search_titles("zebra") == []
    stored_files = StoredFiles("a/a.mp4", 1, subtitle_files=[{"language": "en", "file": "a/a.en.vtt"}])
    assert running.finish(
        stored_files, lambda: (tmp_path / "a").mkdir() or (tmp_path / "a/a.en.vtt").write_text(SAMPLE_WEBVTT)
    )
    assert search_titles("zebra friends savanna") == ["Animals"]
    assert search_titles("secret") == search_titles("hidden") == search_titles("yellow") == search_titles("intro") == []
    assert search_excerpt(running, ["savan"]) == ("“of the savanna”", 2)
    taken.refresh_from_db()
    assert taken.remove()
    assert query.find_matching(["zebra"]) == {}


@pytest.mark.django_db
@pytest.mark.parametrize("row", MALFORMED_SUBTITLE_FILES)
def test_it_ignores_malformed_subtitle_files(settings, tmp_path, row):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    (tmp_path / "secret.vtt").write_text(SAMPLE_WEBVTT)
    (tmp_path / "media/a.en.vtt").write_text(SAMPLE_WEBVTT)
    if connection.vendor == "postgresql" and "\\u0000" in json.dumps(row):
        with pytest.raises(DataError):
            Video.objects.create(canonical_url="http://a.example/", subtitle_files=row)
        return
    video = Video.objects.create(canonical_url="http://a.example/", title="Animals", subtitle_files=row)
    index.index_video(video)
    assert search_titles("animals") == ["Animals"]
    assert search_titles("zebra") == []
    assert search_excerpt(video, ["zebra"]) is None


@pytest.mark.django_db
def test_it_follows_a_title_that_changes_and_leaves_nothing_of_what_is_rolled_back():
    first = create_complete_video("a", title="Before")
    assert first.redownload()
    again = Video.objects.claim("w")
    again.save_metadata(Metadata(title="After"))
    assert search_titles("before") == []
    assert search_titles("after") == ["After"]


@pytest.mark.django_db
def test_it_finds_playlist_entries_before_their_download():
    Video.objects.ingest("http://a.example/", "http://a.example/", title="Episode one")
    assert search_titles("episode") == ["Episode one"]


@pytest.mark.django_db
def test_it_forgets_what_is_deleted_in_whichever_way():
    create_unindexed_videos("Zebra one", "Zebra two")
    call_command("index", verbosity=0)
    keys = list(Video.objects.values_list("pk", flat=True))
    # Deletes directly in SQL, without any method of the model.
    Video.objects.filter(title="Zebra one")._raw_delete("default")
    assert search_titles("zebra") == ["Zebra two"]
    assert query.filter_matching(keys, ["zebra"]) == {Video.objects.get().pk}


@pytest.mark.django_db
def test_it_indexes_what_was_put_into_the_database_without_it(capsys):
    create_unindexed_videos("Zebra a", "Zebra b")
    assert search_titles("zebra") == []
    call_command("index")
    assert search_titles("zebra") == ["Zebra b", "Zebra a"]
    call_command("index")
    assert capsys.readouterr().out == "Indexed 2 videos.\nIndexed 0 videos.\n"
    Video.objects.filter(title="Zebra a").update(title="Lion a")
    call_command("index", "--all")
    assert search_titles("lion") == ["Lion a"]
