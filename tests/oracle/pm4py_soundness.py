#!/usr/bin/env python3
"""What PM4Py's woflan says of the soundness of workflow nets, as one JSON object: file -> true, false or null.

    pm4py_soundness.py FOLDER [--seconds N]

Reads every `*.pnml` of the folder. null means undecided: no answer within the seconds (10), or an error of the oracle's
own; why is in `undecided`. Installs nothing: PM4Py must be there (`.ci/run` sees to it).
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import pathlib
import sys


def judge(path):
    """One net's verdict. Woflan prints as it goes; nobody needs that."""
    from pm4py.algo.analysis.woflan import algorithm as woflan
    from pm4py.objects.petri_net.importer import importer

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        net, initial, final = importer.apply(path)
        verdict = woflan.apply(
            net,
            initial,
            final,
            parameters={
                woflan.Parameters.RETURN_ASAP_WHEN_NOT_SOUND: True,
                woflan.Parameters.PRINT_DIAGNOSTICS: False,
                woflan.Parameters.RETURN_DIAGNOSTICS: False,
            },
        )
    return bool(verdict)


def work(connection):
    """Judges what it is sent until the other end closes; one process for many nets, for PM4Py is slow to load."""
    while True:
        try:
            path = connection.recv()
        except EOFError:
            return
        try:
            connection.send((judge(path), None))
        except Exception as error:  # noqa: BLE001: whatever the oracle stumbles over leaves the net undecided
            connection.send((None, f"{type(error).__name__}: {error}"))


class Worker:
    def __init__(self):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, path, seconds):
        """The verdict and why there is none; the worker is of no more use after a time-out."""
        self.connection.send(path)
        if not self.connection.poll(seconds):
            self.process.kill()
            self.process.join()
            return None, f"no answer within {seconds} s"
        try:
            return self.connection.recv()
        except EOFError:
            return None, "the oracle died"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments = arguments.parse_args()
    paths = sorted(arguments.folder.glob("*.pnml"))
    if not paths:
        sys.exit(f"{arguments.folder} has no *.pnml")
    verdicts, undecided = {}, {}
    worker = Worker()
    # The first question waits for PM4Py to load.
    seconds = arguments.seconds + 60
    for path in paths:
        verdict, why = worker.ask(str(path), seconds)
        seconds = arguments.seconds
        verdicts[path.name] = verdict
        if why is not None:
            undecided[path.name] = why
        if not worker.process.is_alive():
            worker, seconds = Worker(), arguments.seconds + 60
    json.dump({"verdicts": verdicts, "undecided": undecided}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
