"""Static files storage with hashed names, so that browsers may cache the files for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModulesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, which also rewrites the imports between our JavaScript modules to hashed names."""

    support_js_module_import_aggregation = True
    # Only our modules: vendored ones may import names that only a bundler resolves.
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )
