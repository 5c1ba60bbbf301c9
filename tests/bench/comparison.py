"""Measures comparisons, figures and reports of 10,000 runs of 10 epochs, client and daemon together.

  comparison.py BUILD_DIRECTORY [--rounds N] [--json FILE]

Seconds from the start of the client until it has printed everything, medians over the rounds; and
the daemon's largest resident memory.
"""

import pathlib
import re
import statistics
import subprocess
import tempfile
import time

from harness import parse_options, save

EXPERIMENTS = {"seeds": "2 arms of 5,000 seeds", "arms": "12 arms of 833 seeds",
               "cells": "1,000 arms of 10 seeds"}


class Daemon:
    def __init__(self, build, directory):
        address = directory / "address"
        self.process = subprocess.Popen(
            [build / "server/anneald", "--data-dir", directory / "data", "--listen", "127.0.0.1:0",
             "--address-file", address, "--workers", "1", "--log-level", "warn"],
            stdout=subprocess.DEVNULL)
        while not (address.exists() and address.read_text()):
            if self.process.poll() is not None:
                raise SystemExit("anneald did not start")
            time.sleep(0.01)
        self.anneal = [build / "client/anneal", "--server", address.read_text().strip()]

    def seconds(self, *arguments):
        begin = time.monotonic()
        subprocess.run([*self.anneal, *arguments], check=True, capture_output=True)
        return time.monotonic() - begin

    def peak_mebibytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()


def main():
    options = parse_options(__doc__, "build", rounds=5)
    build = pathlib.Path(options.build)
    with tempfile.TemporaryDirectory() as temporary:
        directory = pathlib.Path(temporary)
        (directory / "data").mkdir(mode=0o700)
        subprocess.run([build / "tests/fill_database", directory / "data"], check=True)
        daemon = Daemon(build, directory)
        commands = {
            "compare": lambda name: ("compare", name),
            "compare --threshold": lambda name: ("compare", name, "--threshold", "0.9"),
            "compare --metric log_loss_area":
                lambda name: ("compare", name, "--metric", "log_loss_area"),
            "plot curves": lambda name: ("plot", "curves", name),
            "report": lambda name: ("report", name, "--out", str(directory / "report.html")),
        }
        figures = {}
        for name, title in EXPERIMENTS.items():
            for label, command in commands.items():
                samples = [daemon.seconds(*command(name)) for _ in range(options.rounds)]
                figures[f"{label}, {title}"] = statistics.median(samples)
        peak = daemon.peak_mebibytes()
        daemon.stop()
    for label, seconds in figures.items():
        print(f"{label:58} {seconds:7.3f} s")
    print(f"{'largest memory of the daemon':58} {peak:7.0f} MiB")
    save(options, {**figures, "daemon, MiB": peak})


if __name__ == "__main__":
    main()
