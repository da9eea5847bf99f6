"""`python -m benchmarks`: measure the pipeline, print one table, keep the figures as JSON; `library`: the pages."""

import argparse
import dataclasses
import functools
import resource
import signal
import sys
from collections.abc import Callable

from benchmarks import report
from benchmarks.library import run
from benchmarks.pipeline.scenarios import FULL, SHORT, Bench, Figures, Size, bench
from benchmarks.pipeline.server import NotReady
from benchmarks.pipeline.stacks import BY_NAME, STACKS

SHORT_STACKS = ["ours", "node", "websockets", "channels"]
SPARE = 200  # files that a process needs besides its sockets


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="under 2 minutes: one run, few stacks, 300 clients")
    parser.add_argument("--runs", type=int, help="how often everything is measured (3; --short: 1)")
    parser.add_argument("--stacks", nargs="+", choices=BY_NAME, help="measure these only")
    parser.add_argument("--only", choices=["base", "unread", "ours"], help="measure one group of figures only")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return parser.parse_args()


def main() -> None:
    """Measure as asked, and report."""
    # Whatever ends it, no process stays behind; a shell's background job would ignore Ctrl-C's signal.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.argv[1:2] == ["library"]:
        run.main(sys.argv[2:])
        return
    options = arguments()
    size = SHORT if options.short else _affordable(FULL)
    names = options.stacks or (SHORT_STACKS if options.short else list(BY_NAME))
    stacks = [stack for stack in STACKS if stack.name in names]
    for stack in stacks:
        if missing := stack.missing():
            say(f"{stack.title} is left out; it needs {missing}")
    runs: dict[str, list[Figures]] = {stack.name: [] for stack in stacks if not stack.missing()}
    with bench(size) as found:
        for number in range(options.runs or (1 if options.short else 3)):
            one_run(found, runs, options, number)
    content = {"machine": report.machine(), "size": dataclasses.asdict(size), "runs": runs}
    cells = report.table(runs, {stack.name: stack.title for stack in STACKS})
    print(report.markdown(cells) if options.markdown else report.plain(cells))
    where = ", ".join(f"{name} {value}" for name, value in content["machine"].items())
    print(f"\nMedian [least–greatest] of {len(next(iter(runs.values())))} runs · ours ÷ theirs. {where}.")
    print(f"Written to {report.save(content)}")


def one_run(found: Bench, runs: dict[str, list[Figures]], options: argparse.Namespace, number: int) -> None:
    """Measure everything once, all stacks in turn, so that what else the machine does meets all of them."""
    for name, kept in runs.items():
        kept.append({})
        stack = BY_NAME[name]
        if options.only in (None, "base"):
            kept[-1] |= attempt(f"{number + 1}: {stack.title}", functools.partial(found.base, stack))
        if options.only == "unread" or (options.only is None and not options.short and _shows_unread(name, number)):
            kept[-1] |= attempt(f"{number + 1}: {stack.title}, unread", functools.partial(found.unread, stack))
    if "ours" in runs and options.only in (None, "ours"):
        for scenario in [found.flood] if options.short else found.only_ours():
            runs["ours"][-1] |= attempt(f"{number + 1}: ours, more", scenario)


def _shows_unread(name: str, number: int) -> bool:
    """Tell whether clients that do not read are put on a stack: on the others than ours once, it takes long."""
    return name == "ours" or (number == 0 and name not in ("ours-ticket", "ours-uvloop"))


def attempt(title: str, scenario: Callable[[], Figures]) -> Figures:
    """Run a scenario; one that cannot be run is told of, and leaves its cells empty."""
    try:
        figures = scenario()
    except (NotReady, RuntimeError, OSError) as error:
        say(f"{title}: {error}")
        return {"failed": 1}
    say(f"{title}: " + ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
    return figures


def _affordable(size: Size) -> Size:
    """Leave out what the limit of open files does not allow, and say so."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (size.two_webs.clients + SPARE if size.two_webs else 0, size.crowd.clients + SPARE):
        if limit < wanted <= most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            limit = wanted
    if size.two_webs and limit < size.two_webs.clients // 2 + SPARE:
        say(f"6,000 clients are left out: `ulimit -n` is {limit}")
        size = dataclasses.replace(size, two_webs=None)
    if limit < size.crowd.clients + SPARE:
        say(f"`ulimit -n` is {limit}: {limit - SPARE} clients instead of 3,000")
        size = dataclasses.replace(size, crowd=dataclasses.replace(size.crowd, clients=limit - SPARE))
    return size


def say(text: str) -> None:
    """Tell how it goes, beside the table."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
