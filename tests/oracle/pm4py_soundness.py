#!/usr/bin/env python3
"""What PM4Py's woflan says of the soundness of workflow nets, as one JSON object: file -> true, false or null.

    pm4py_soundness.py FOLDER [--seconds N] [--jobs N]

Reads every `*.pnml` of the folder. null means undecided: no answer within so many seconds of the processor's time (10),
or an error of the oracle's own; why is in `undecided`. Installs nothing: PM4Py must be there (`.ci/run` sees to it).
"""

import argparse
import concurrent.futures
import contextlib
import io
import json
import multiprocessing
import pathlib
import signal
import sys


class TooSlow(BaseException):
    """Not an `Exception`: no handler of the oracle's own is to swallow it."""


def too_slow(_signal, _frame):
    raise TooSlow


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


def ask(question):
    """The file's name, the verdict, and why there is none. The limit is on the processor's time, not the clock's: what
    else the machine does is not to decide."""
    path, seconds = question
    signal.signal(signal.SIGPROF, too_slow)
    verdict, why = None, None
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        verdict = judge(path)
    except TooSlow:
        why = f"no answer within {seconds} s"
    except Exception as error:  # noqa: BLE001: whatever the oracle stumbles over leaves the net undecided
        why = f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return pathlib.Path(path).name, verdict, why


def load():
    """Takes seconds, which are not the first net's."""
    import pm4py.algo.analysis.woflan.algorithm  # noqa: F401
    import pm4py.objects.petri_net.importer.importer  # noqa: F401


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--jobs", type=int, default=1)
    arguments = arguments.parse_args()
    paths = sorted(arguments.folder.glob("*.pnml"))
    if not paths:
        sys.exit(f"{arguments.folder} has no *.pnml")
    questions = [(str(path), arguments.seconds) for path in paths]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs, mp_context=context, initializer=load) as pool:
        answers = list(pool.map(ask, questions, chunksize=8))
    verdicts = {name: verdict for name, verdict, _ in answers}
    undecided = {name: why for name, _, why in answers if why is not None}
    json.dump({"verdicts": verdicts, "undecided": undecided}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
