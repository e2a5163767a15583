"""How many threads should generation take, and how should they wait? Steps a second by width, threads and neighbor.

Prefix SiMBA with random weights, guidance as a batch of two. Each figure is of a process of its own: how threads wait
is read when torch is loaded. All of a width take turns, round by round; medians. A neighbor is a process that computes
all the time; one makes two threads share a core on a machine of two.

    python benchmarks/threads.py [--widths 64 128 256 512 1024] [--threads 1 2] [--rounds 5] [--seconds 1]
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time

LAYERS = {64: 5, 128: 6, 256: 8, 512: 12, 1024: 24}
WAYS = {"sleeping": "PASSIVE", "spinning": None}


class Worker:
    """A process that generates with so many threads, which wait in one way, when it is asked to."""

    def __init__(self, width: int, threads: int, way: str) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_"))}
        if (policy := WAYS[way]) is not None:
            environment["OMP_WAIT_POLICY"] = policy
        command = [sys.executable, __file__, "--worker", str(width), str(threads)]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.parameters = int(self._process.stdout.readline())

    def rate(self, seconds: float) -> float:
        """Steps a second, over `seconds` seconds."""
        print(seconds, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def end(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def work(width: int, threads: int) -> None:
    """What a worker's process does: print the parameters, and the rate for each line of standard input."""
    from dataclasses import replace

    import torch
    from generation import PAPER, Ours

    from ssmttm.models.lm import MusicLM

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    small = width < 512
    config = replace(PAPER, d_model=width, layers=LAYERS[width], d_state=64 if small else 512)
    model = MusicLM(replace(config, head_dim=32 if small else 64, codebooks=4 if small else 1)).eval()
    print(sum(p.numel() for p in model.parameters()), flush=True)
    with torch.inference_mode():
        generation = Ours(model, 0)
        for line in sys.stdin:
            generation.frame()
            started, steps = time.perf_counter(), 0
            while (passed := time.perf_counter() - started) < float(line):
                generation.frame()
                steps += 1
            print(steps / passed, flush=True)


def compare(width: int, threads: list[int], rounds: int, seconds: float) -> None:
    """Print one line of the table for each number of neighbors and of threads, and way of waiting."""
    workers = {case: Worker(width, *case) for case in itertools.product(threads, WAYS)}
    for neighbors in (0, 1):
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(neighbors)]
        rates: dict[tuple[int, str], list[float]] = {case: [] for case in workers}
        try:
            for _ in range(rounds):
                for case, worker in workers.items():
                    rates[case].append(worker.rate(seconds))
        finally:
            for process in busy:
                process.kill()
                process.wait()
        one = statistics.median(rates[1, "sleeping"])
        for case, found in rates.items():
            rate, parameters = statistics.median(found), workers[case].parameters / 1e6
            cells = (width, f"{parameters:.1f}", neighbors, *case, f"{rate:.1f}", f"{rate / one:.2f}")
            print(f"| {' | '.join(map(str, cells))} |", flush=True)
    for worker in workers.values():
        worker.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=sorted(LAYERS), choices=sorted(LAYERS))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, len(os.sched_getaffinity(0))], help="with 1")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--worker", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(*options.worker)
        return
    print(f"load {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} cores before the start")
    print("| width | million parameters | neighbors | threads | waiting | steps/s | over 1 thread |")
    for width in options.widths:
        compare(width, sorted({1, *options.threads}), options.rounds, options.seconds)


if __name__ == "__main__":
    main()
