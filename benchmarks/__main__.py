"""`python -m benchmarks`: measure the pipeline, print a table, and save the figures as JSON.

`library` measures the pages, `downloads` the downloads next to those of yt-dlp.
"""

import argparse
import dataclasses
import functools
import resource
import signal
import sys
from collections.abc import Callable

from benchmarks import report
from benchmarks.downloads import run as downloads
from benchmarks.library import run as library
from benchmarks.pipeline.scenarios import FULL_SIZE, SHORT_SIZE, BenchmarkSize, Figures, ScenarioRunner, prepared_runner
from benchmarks.pipeline.server import StartTimeout
from benchmarks.pipeline.stacks import STACKS, STACKS_BY_NAME

SHORT_STACK_NAMES = ["ours", "node", "websockets", "channels"]
SPARE_FILE_DESCRIPTORS = 200  # for everything but the clients' sockets


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="under 2 minutes: one run, few stacks, 300 clients")
    parser.add_argument("--runs", type=int, help="how often everything is measured (3; --short: 1)")
    parser.add_argument("--stacks", nargs="+", choices=STACKS_BY_NAME, help="measure these only")
    parser.add_argument("--only", choices=["base", "unread", "ours"], help="measure one group of figures only")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return parser.parse_args()


def main() -> None:
    """Run the scenarios of the command line, print the table, and save the results."""
    # Both signals raise an exception, so that all child processes are stopped. A shell starts background jobs with
    # SIGINT ignored, so its handler is set as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.argv[1:2] and (run := {"library": library, "downloads": downloads}.get(sys.argv[1])):
        run.main(sys.argv[2:])
        return
    options = parse_arguments()
    size = SHORT_SIZE if options.short else _limit_to_open_files(FULL_SIZE)
    names = options.stacks or (SHORT_STACK_NAMES if options.short else list(STACKS_BY_NAME))
    stacks = [stack for stack in STACKS if stack.name in names]
    for stack in stacks:
        if missing := stack.missing_requirements():
            print_progress(f"{stack.title} is left out; it needs {missing}")
    runs: dict[str, list[Figures]] = {stack.name: [] for stack in stacks if not stack.missing_requirements()}
    with prepared_runner(size) as runner:
        for number in range(options.runs or (1 if options.short else 3)):
            measure_once(runner, runs, options, number)
    content = {"machine": report.describe_machine(), "size": dataclasses.asdict(size), "runs": runs}
    cells = report.table_cells(runs, {stack.name: stack.title for stack in STACKS})
    print(report.format_markdown(cells) if options.markdown else report.format_plain(cells))
    machine = ", ".join(f"{name} {value}" for name, value in content["machine"].items())
    print(f"\nMedian [least–greatest] of {len(next(iter(runs.values())))} runs · ours ÷ theirs. {machine}.")
    print(f"Written to {report.save_results(content)}")


def measure_once(
    runner: ScenarioRunner, runs: dict[str, list[Figures]], options: argparse.Namespace, number: int
) -> None:
    """Measure everything once, all stacks in turn, so that other work on the machine affects all of them alike."""
    for name, results in runs.items():
        results.append({})
        stack = STACKS_BY_NAME[name]
        if options.only in (None, "base"):
            results[-1] |= run_scenario(f"{number + 1}: {stack.title}", functools.partial(runner.measure_base, stack))
        if options.only == "unread" or (
            options.only is None and not options.short and _measures_stalled_clients(name, number)
        ):
            results[-1] |= run_scenario(
                f"{number + 1}: {stack.title}, unread", functools.partial(runner.measure_stalled_clients, stack)
            )
    if "ours" in runs and options.only in (None, "ours"):
        for scenario in [runner.measure_flood] if options.short else runner.own_scenarios():
            runs["ours"][-1] |= run_scenario(f"{number + 1}: ours, more", scenario)


def _measures_stalled_clients(name: str, number: int) -> bool:
    """Return True if stalled clients are measured in this run: for peers in the first run only, since it takes long."""
    return name == "ours" or (number == 0 and name not in ("ours-ticket", "ours-uvloop"))


def run_scenario(title: str, scenario: Callable[[], Figures]) -> Figures:
    """Run a scenario and return its figures; if it cannot run, print the error and leave its cells empty."""
    try:
        figures = scenario()
    except (StartTimeout, RuntimeError, OSError) as error:
        print_progress(f"{title}: {error}")
        return {"failed": 1}
    print_progress(f"{title}: " + ", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
    return figures


def _limit_to_open_files(size: BenchmarkSize) -> BenchmarkSize:
    """Raise the limit of open files as far as allowed; reduce the loads that still exceed it, and print so."""
    limit, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    for needed in (
        size.two_webs.clients + SPARE_FILE_DESCRIPTORS if size.two_webs else 0,
        size.crowd.clients + SPARE_FILE_DESCRIPTORS,
    ):
        if limit < needed <= hard_limit:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard_limit))
            limit = needed
    if size.two_webs and limit < size.two_webs.clients // 2 + SPARE_FILE_DESCRIPTORS:
        print_progress(f"6,000 clients are left out: `ulimit -n` is {limit}")
        size = dataclasses.replace(size, two_webs=None)
    if limit < size.crowd.clients + SPARE_FILE_DESCRIPTORS:
        print_progress(f"`ulimit -n` is {limit}: {limit - SPARE_FILE_DESCRIPTORS} clients instead of 3,000")
        size = dataclasses.replace(size, crowd=dataclasses.replace(size.crowd, clients=limit - SPARE_FILE_DESCRIPTORS))
    return size


def print_progress(text: str) -> None:
    """Print to stderr, apart from the table on stdout."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
