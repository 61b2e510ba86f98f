"""Descends on x^2 and pushes the loss after every step, with nothing but Python's own library."""

import json
import os
import time
import urllib.error
import urllib.request


def push(step, **metrics):
    """Reports metrics. Sent again where no answer comes: a step counts once."""
    request = urllib.request.Request(
        os.environ["KATIB_PUSH_URL"],
        data=json.dumps({**metrics, "step": step}).encode(),
        headers={
            "Authorization": "Bearer " + os.environ["KATIB_PUSH_TOKEN"],
            "Content-Type": "application/json",
        },
    )
    for attempt in range(30):
        try:
            urllib.request.urlopen(request, timeout=60).close()
            return
        except urllib.error.HTTPError as refusal:
            if refusal.code < 500:
                raise SystemExit(refusal.read().decode())
        except OSError:
            pass
        time.sleep(1)
    raise SystemExit("The coordinator does not answer.")


rate = float(os.environ["STEP_LENGTH"])
x = 1.0
for step in range(1, 11):
    x -= rate * 2 * x
    push(step, loss=x * x)
