"""Static files under hashed names, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModulesStorage(CompressedManifestStaticFilesStorage):
    """Rewrite the imports between our JavaScript modules to hashed names as well."""

    support_js_module_import_aggregation = True
