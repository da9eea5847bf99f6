"""How often Python looks for garbage in a web process."""

import gc

# A page makes some ten thousand objects that hold each other, nearly all of which go without being looked for.
GC_THRESHOLDS = (10_000, 20, 20)


def tune_gc() -> None:
    """Let what is loaded by now be looked at no more, and the rest less often (docs.python.org, `gc.freeze`)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
