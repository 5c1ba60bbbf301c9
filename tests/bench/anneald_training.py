"""Trainings by anneald's own loop, as something to measure."""

import json
import subprocess


class Training:
    """`runs` trainings of `images` images at a time, a thread each, with fields of the config."""

    def __init__(self, bench, directory, images, runs=1, epochs=4, fields=()):
        self.command = [bench, directory, str(runs), str(epochs),
                        f"dataset.train_limit={images}", *fields]

    def run(self):
        """What training_bench prints: medians over the epochs."""
        line = subprocess.run(self.command, check=True, capture_output=True, text=True).stdout
        return json.loads(line)
