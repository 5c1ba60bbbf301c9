"""Common parts of the benchmark scripts: options, JSON output, and measured trainings."""

import argparse
import json
import pathlib
import subprocess

MNIST_IMAGES = 60000

def parse_options(description, *positional, rounds=None):
    """Parses positional arguments, --json and, unless `rounds` is None, --rounds."""
    parser = argparse.ArgumentParser(description=description.split("\n", maxsplit=1)[0])
    for name in positional:
        parser.add_argument(name)
    if rounds is not None:
        parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--json", help="also write all results to this file")
    return parser.parse_args()


def save(options, figures):
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1) + "\n")


class Training:
    """`runs` concurrent runs of anneald's epoch loop, one thread each, on `images` images of MNIST.

    The validation split has the same ratio to them as to all of MNIST.
    """

    def __init__(self, bench, directory, images, runs=1, epochs=4, fields=()):
        self.command = [bench, directory, str(runs), str(epochs),
                        f"dataset.train_limit={images}",
                        f"dataset.validation_fraction={images / 5 / MNIST_IMAGES}", *fields]

    def run(self):
        """Returns the output of training_bench: medians over the epochs."""
        line = subprocess.run(self.command, check=True, capture_output=True, text=True).stdout
        return json.loads(line)
