"""What goes wrong around a load, each as a function of the load and a source of chance."""
import signal
import time

from service import wait_until

LEASE_SECONDS = 30
HOUR_MS = 3_600_000


# ── kill -9 ──

def kill_server(load, rng):
    load.service.kill()
    load.service.start()


def kill_worker(load, rng):
    load.kill_worker(rng.randrange(len(load.workers)))


def kill_both(load, rng):
    load.service.kill()
    kill_worker(load, rng)
    load.service.start()


def kill_in_recovery(load, rng):
    load.service.kill()
    load.service.begin()
    time.sleep(rng.random() * 0.1)
    kill_server(load, rng)


def lose_a_lease(load, rng):
    """As after a sleep of the machine: who lives has lost what it holds, unless it is quick."""
    load.page.pass_time(LEASE_SECONDS + 1)


# Tasks of killed workers wait for their leases: without the last, little would be going on.
KILLS = [(kill_server, 35), (kill_worker, 20), (kill_both, 15), (kill_in_recovery, 15),
         (lose_a_lease, 15)]


def kills(load, rng, count, kinds=KILLS, pause=0.3):
    for _ in range(count):
        time.sleep(rng.random() * pause)
        fault, = rng.choices([fault for fault, _ in kinds], [weight for _, weight in kinds])
        fault(load, rng)


# ── Zombies ──

def zombies(load, rng, rounds, lease=None):
    """Half of the workers are stopped for longer than their lease and then go on, while others
    have begun the next attempts. `lease`: how long that takes; nothing: the server's clock jumps.
    """
    for _ in range(rounds):
        wait_until(lambda: len(load.open) > 2 * len(load.workers))
        time.sleep(rng.random() * 0.4)
        stopped = rng.sample(load.workers, len(load.workers) // 2)
        for worker in stopped:
            worker.send_signal(signal.SIGSTOP)
        if lease is None:
            load.page.pass_time(LEASE_SECONDS + 1)
        time.sleep((lease or 0) + rng.uniform(0.6, 1.4))  # leases are looked at every second
        for worker in stopped:
            worker.send_signal(signal.SIGCONT)


# ── Clocks ──

def jump_wall_clock(load, rng, rounds, hours=(-24, -1, 1, 24)):
    """While half of the workers cannot renew their leases, for a part of these."""
    latest = load.page.wall_ms
    for _ in range(rounds):
        time.sleep(rng.random() * 0.2)
        stopped = rng.sample(load.workers, len(load.workers) // 2)
        for worker in stopped:
            worker.send_signal(signal.SIGSTOP)
        load.page.wall_ms += rng.choice(hours) * HOUR_MS + rng.randrange(HOUR_MS)
        latest = max(latest, load.page.wall_ms)
        time.sleep(1.2)  # leases are looked at every second
        for worker in stopped:
            worker.send_signal(signal.SIGCONT)
    load.page.wall_ms = latest  # so that nothing lies in the future when it is looked at


def stop_server(load, rng, rounds):
    """SIGSTOP for longer than a lease, as the server's clock has it."""
    for _ in range(rounds):
        time.sleep(rng.random() * 0.3)
        load.service.signal(signal.SIGSTOP)
        time.sleep(rng.random() * 0.1)
        load.page.pass_time(rng.choice([1, LEASE_SECONDS + 1]))
        load.service.signal(signal.SIGCONT)
        time.sleep(1.1)
