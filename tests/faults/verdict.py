"""From a load that has ended to the list of promises that were broken."""
import time

from checker import Present, Violation, damage, violations

DAY_MS = 24 * 3600 * 1000
SWEEP_SECONDS = 10


def judge(load):
    """Lets the load settle, and checks all promises. Stops the server."""
    history = load.settle()
    service = load.service
    found = [Violation("-", event.what) for event in history.of("wrong")]
    found += violations(history, Present(service.client(), history), "settled")
    found += sweep(service, history)
    code = service.stop()
    if code != 0:
        found.append(Violation("I12", f"it ended with {code} when it was asked to stop"))
    if not service.database():
        found += [Violation("I1", f"the database is damaged: {line}")
                  for line in damage(service.data / "zoetrope.db")]
    return history, found


def sweep(service, history):
    """kill -9, and a day passes: files without an owner are removed by the first round of upkeep,
    and all that was told still holds.
    """
    service.kill()
    service.page.wall_ms += DAY_MS + 3_600_000
    service.start()
    deadline = time.monotonic() + SWEEP_SECONDS
    while True:
        present = Present(service.client(), history, service.data / "files")
        found = violations(history, present, "swept")
        if not found or time.monotonic() > deadline:
            return found + violations(history, present, "told")
        time.sleep(0.2)
