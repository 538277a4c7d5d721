#!/usr/bin/env python3
"""Whether traces fit nets in PM4Py's token replay, as one JSON object: file -> list of true or false, a trace each.

    pm4py_replay.py FOLDER

Of every `NAME.pnml` of the folder, `NAME.traces.json` holds a list of traces, each a list of labels. A trace fits
where nothing is missing, nothing remains and every event is a transition's. Installs nothing: PM4Py must be there.
"""

import argparse
import json
import pathlib
import sys


def log_of(traces):
    from pm4py.objects.log.obj import Event, EventLog, Trace

    log = EventLog()
    for number, labels in enumerate(traces):
        events = [Event({"concept:name": label}) for label in labels]
        log.append(Trace(events, attributes={"concept:name": str(number)}))
    return log


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=pathlib.Path)
    arguments = arguments.parse_args()
    paths = sorted(arguments.folder.glob("*.pnml"))
    if not paths:
        sys.exit(f"{arguments.folder} has no *.pnml")

    from pm4py.algo.conformance.tokenreplay import algorithm as token_replay
    from pm4py.objects.petri_net.importer import importer

    parameters = token_replay.Variants.TOKEN_REPLAY.value.Parameters
    found = {}
    for path in paths:
        traces = json.loads(path.with_suffix("").with_suffix(".traces.json").read_text(encoding="utf-8"))
        net, initial, final = importer.apply(str(path))
        # Every transition has a label, so nothing happens unseen and the replay has nothing to guess.
        assert all(transition.label is not None for transition in net.transitions), path.name
        labels = {transition.label for transition in net.transitions}
        replayed = token_replay.apply(
            log_of(traces),
            net,
            initial,
            final,
            parameters={parameters.CLEANING_TOKEN_FLOOD: False, parameters.SHOW_PROGRESS_BAR: False},
        )
        found[path.name] = [
            bool(result["trace_is_fit"])
            and result["trace_fitness"] == 1.0
            and all(label in labels for label in trace)
            for result, trace in zip(replayed, traces, strict=True)
        ]
    json.dump(found, sys.stdout)
    print()


if __name__ == "__main__":
    main()
