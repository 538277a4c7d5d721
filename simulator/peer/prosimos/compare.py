#!/usr/bin/env python3
"""The leave process side by side: this simulator and Prosimos (PyPI `prosimos`), CPU seconds and mean cycle times.

    python3 -m venv VENV && VENV/bin/pip install prosimos==2.1.0
    cargo build --release -p loonflow-simulator
    VENV/bin/python simulator/peer/prosimos/compare.py --ours target/release/loonflow-simulate [--cases 10000]

Both run the same number of cases with the same arrivals, calendars, durations and branches, one thread each, each as a
process of its own whose CPU seconds (user and system, start-up included) the operating system counts. Prosimos writes
no log file, its fastest way; its mean cycle time is read from its statistics. The two draw differently, so means agree
only within what chance leaves; `--runs` repeats both with other seeds and says how far apart they are in standard
errors. Not part of CI: it takes minutes, and installs a hundred megabytes.

Prosimos has no seed of its own: it takes the global ones of Python and NumPy, which `--peer-run` sets.
"""

import argparse
import csv
import json
import math
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def peer_run(n_cases: int, seed: int, stat_path: str) -> None:
    """Runs Prosimos in this process."""
    import numpy
    from prosimos.simulation_engine import run_simulation

    random.seed(seed)
    numpy.random.seed(seed)
    run_simulation(
        bpmn_path=str(HERE / "leave.bpmn"),
        json_path=str(HERE / "leave.parameters.json"),
        total_cases=n_cases,
        stat_out_path=stat_path,
        log_out_path=None,
        starting_at="2026-01-05T00:00:00+00:00",
    )


def measured(command: list[str]) -> tuple[str, float, float]:
    """Output, CPU seconds and peak memory (MB) of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, cpu, after.ru_maxrss / 1024


def peer_cycle_hours(stat_path: str) -> float:
    """The mean cycle time, nights and weekends included (`idle_cycle_time`), from the statistics Prosimos writes."""
    with open(stat_path, newline="") as file:
        for row in csv.reader(file):
            if row and row[0] == "idle_cycle_time":
                return float(row[3]) / 3600
    raise SystemExit(f"no idle_cycle_time in {stat_path}")


def mean_and_error(values: list[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, math.nan
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", help="the simulator's program, built in release")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-run", nargs=2, metavar=("SEED", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer_run:
        peer_run(args.cases, int(args.peer_run[0]), args.peer_run[1])
        return
    if not args.ours or not os.access(args.ours, os.X_OK):
        parser.error("--ours must name the simulator's program")
    ours_cpu, ours_hours, peer_cpu, peer_hours = [], [], [], []
    for seed in range(1, args.runs + 1):
        out, cpu, ours_mb = measured(
            [args.ours, "--json", "run", str(HERE / "leave.scenario.json"), "--cases", str(args.cases)]
            + ["--seed", str(seed), "--threads", "1"]
        )
        ours_cpu.append(cpu)
        ours_hours.append(json.loads(out)["cycle_time"]["mean_ms"] / 3_600_000)
        with tempfile.TemporaryDirectory() as folder:
            stat_path = os.path.join(folder, "stat.csv")
            command = [sys.executable, __file__, "--cases", str(args.cases), "--peer-run", str(seed), stat_path]
            _, cpu, _ = measured(command)
            peer_cpu.append(cpu)
            peer_hours.append(peer_cycle_hours(stat_path))
        print(
            f"seed {seed}, {args.cases} cases: ours {ours_cpu[-1]:.2f} s CPU, {ours_hours[-1]:.3f} h mean cycle time; "
            f"Prosimos {peer_cpu[-1]:.2f} s CPU, {peer_hours[-1]:.3f} h"
        )
    ours_mean, ours_error = mean_and_error(ours_hours)
    peer_mean, peer_error = mean_and_error(peer_hours)
    apart = abs(ours_mean - peer_mean) / math.hypot(ours_error, peer_error)
    print(f"CPU: {sum(peer_cpu) / sum(ours_cpu):.1f} times less")
    print(f"mean cycle time: {ours_mean:.3f} h and {peer_mean:.3f} h, {apart:.1f} standard errors apart")


if __name__ == "__main__":
    main()
