"""The conversation between the benchmark and a peer: one JSON object a line, on standard input and output.

    {"start": {"parameters": [...], "seed": 3, "parallel": 4, "variant": "gp"}}   ->  {"version": "..."}
    {"tell": [{"id": 0, "point": {...}, "loss": 1.5}], "ask": 2}                  ->  {"points": [...], "seconds": 0.1}

A parameter has name, type, min, max, step, list and distribution as in Katib's contract, all of them texts. Points are
numbered from 0 in the order in which they were asked for; one that was never asked for has the number -1. A trial that
failed has the loss null. Seconds are what tell and ask took together.
"""

import json
import os
import sys
import time


def serve(begin):
    """Answers until the input ends. `begin` takes a start and gives a version and an optimiser with tell and ask."""
    # Compiled code writes to the descriptor itself: it is pointed elsewhere, too.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    optimiser = None
    for line in sys.stdin:
        message = json.loads(line)
        if "start" in message:
            version, optimiser = begin(**message["start"])
            reply = {"version": version}
        else:
            begun = time.perf_counter()
            if message["tell"]:
                optimiser.tell(message["tell"])
            points = optimiser.ask(message["ask"]) if message["ask"] else []
            reply = {"points": points, "seconds": time.perf_counter() - begun}
        print(json.dumps(reply), file=replies, flush=True)


def text(value):
    """A value as Katib's services write it."""
    return value if isinstance(value, str) else repr(value)
