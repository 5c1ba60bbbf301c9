"""Measures start-up times, and the daemon's memory and CPU overhead.

  footprint.py BUILD_DIRECTORY DATASETS_DIRECTORY [--rounds N] [--json FILE]

DATASETS_DIRECTORY contains mnist/. Memory is the resident set size; runs train on the full MNIST,
concurrently. The overhead of one run is the CPU time of all other threads (storage, checkpoints,
RPCs) relative to that of the training thread.
"""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

from harness import parse_options, save

MEBIBYTE = 2**20
RUNS = 4
WATCHED_SECONDS = 20


class Daemon:
    def __init__(self, build, datasets, directory):
        self.anneal = [build / "client/anneal", "--server"]
        address = directory / "address"
        address.unlink(missing_ok=True)
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [build / "server/anneald", "--data-dir", directory / "data", "--listen", "127.0.0.1:0",
             "--address-file", address, "--datasets", datasets, "--workers", str(RUNS),
             "--log-level", "warn"], stdout=subprocess.DEVNULL)
        while not (address.exists() and address.read_text()):
            if self.process.poll() is not None:
                raise SystemExit("anneald did not start")
            time.sleep(0.002)
        self.anneal.append(address.read_text().strip())
        self.run("presets")  # needs no data set
        self.start_seconds = time.monotonic() - begin

    def run(self, *arguments):
        return subprocess.run([*self.anneal, *arguments], check=True, capture_output=True,
                              text=True).stdout

    def resident(self):
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE

    def thread_seconds(self):
        """Returns CPU seconds by thread id."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        return {task.name: int((task / "schedstat").read_text().split()[0]) / 1e9
                for task in tasks.iterdir()}

    def stop(self):
        begin = time.monotonic()
        self.process.terminate()
        self.process.wait()
        return time.monotonic() - begin


def training(daemon, name):
    """Starts an endless run and waits for its first epoch."""
    daemon.run("submit", "--preset", "annealed", "--id", name, "--set", "epochs=100000")
    while not json.loads(daemon.run("list", name, "--output", "json"))[0].get("epochs_done"):
        time.sleep(0.2)


def beside_training(daemon):
    """Returns the CPU time of all other threads, in percent of the training thread's."""
    before = daemon.thread_seconds()
    time.sleep(WATCHED_SECONDS)
    spent = sorted(seconds - before.get(thread, 0)
                   for thread, seconds in daemon.thread_seconds().items())
    return 100 * sum(spent[:-1]) / spent[-1]


def client_seconds(build):
    begin = time.monotonic()
    subprocess.run([build / "client/anneal", "--version"], check=True, capture_output=True)
    return time.monotonic() - begin


def main():
    options = parse_options(__doc__, "build", "datasets", rounds=5)
    build = pathlib.Path(options.build)

    starts, stops, clients = [], [], []
    with tempfile.TemporaryDirectory() as temporary:
        directory = pathlib.Path(temporary)
        for _ in range(options.rounds):
            daemon = Daemon(build, options.datasets, directory)
            starts.append(daemon.start_seconds)
            stops.append(daemon.stop())
            clients.append(client_seconds(build))
        daemon = Daemon(build, options.datasets, directory)
        with contextlib.ExitStack() as stack:
            stack.callback(daemon.stop)
            idle = daemon.resident()
            resident = []
            for number in range(RUNS):
                training(daemon, f"run-{number}")
                resident.append(daemon.resident())
                if number == 0:
                    beside = beside_training(daemon)
    figures = {
        "anneald: start to first response, s": statistics.median(starts),
        "anneald: SIGTERM to exit, idle, s": statistics.median(stops),
        "anneal --version, s": statistics.median(clients),
        "overhead of 1 run, % of its CPU time": beside,
        "anneald idle, MiB": idle,
        "anneald with 1 run and its data set, MiB": resident[0],
        f"each of {RUNS - 1} more runs, MiB": (resident[-1] - resident[0]) / (RUNS - 1),
    }
    for name, value in figures.items():
        print(f"{name:40}{value:10.3f}")
    save(options, figures)


if __name__ == "__main__":
    main()
