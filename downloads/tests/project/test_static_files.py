"""The collected static files."""

import gzip

import brotli
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage


def test_it_compresses_them_in_both_ways(static_files):
    path = settings.STATIC_ROOT / staticfiles_storage.stored_name("css/tokens.css")
    content = path.read_bytes()
    compressed_content = path.with_name(f"{path.name}.br").read_bytes()
    assert brotli.decompress(compressed_content) == content
    assert gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes()) == content
    assert len(compressed_content) < len(content) / 2


def test_a_page_gets_its_modules_whole(static_files):
    for source in (settings.BASE_DIR / "static" / "js").glob("*.js"):
        path = settings.STATIC_ROOT / staticfiles_storage.stored_name(f"js/{source.name}")
        assert path.stat().st_size > source.stat().st_size / 4, path.name
