"""Tests docs/replay.py, which rebuilds runs in PyTorch, and the files of `anneal split`.

Run by run.sh, with ANNEALD and ANNEAL in the environment.
"""

import csv
import gzip
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

import numpy

REPLAY = pathlib.Path(__file__).resolve().parents[2] / "docs" / "replay.py"
PATIENCE_SECONDS = 120
TRAIN, VALIDATION, IMAGES = 320, 100, 500  # train_limit leaves some images out

CONFIG = """
dataset { name: "bars" validation_fraction: 0.2 train_limit: 320 }
network {
  layers { conv { filters: 4 kernel: 3 pool: POOL_MAX } }
  layers { conv { filters: 6 kernel: 3 padding: 1 pool: POOL_AVG } }
  layers { dense { units: 8 } }
}
theta { policy: THETA_POLICY_FIXED start: 0.3 }
optimizer { kind: OPTIMIZER_KIND_ADAM learning_rate: 0.003 }
regularizer { l2: 0.01 }
batch_size: 32
epochs: 2
"""


def write_idx(path, array):
  header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
  with (gzip.open if path.suffix == ".gz" else open)(path, "wb") as file:
    file.write(header + array.tobytes())


def write_dataset(directory):
  """Bars of a class's own place in much noise."""
  directory.mkdir(parents=True)
  random = numpy.random.default_rng(1)
  for prefix, count in (("train", IMAGES), ("t10k", 50)):
    labels = random.integers(0, 4, count).astype(numpy.uint8)
    labels[:4] = range(4)
    images = random.integers(0, 160, (count, 14, 14))
    images[numpy.arange(count), :, labels * 3 + 1] += 60
    write_idx(directory / f"{prefix}-images-idx3-ubyte.gz", images.astype(numpy.uint8))
    write_idx(directory / f"{prefix}-labels-idx1-ubyte", labels)


class ReplayTest(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    directory = tempfile.TemporaryDirectory()
    cls.addClassCleanup(directory.cleanup)
    cls.directory = pathlib.Path(directory.name)
    write_dataset(cls.directory / "datasets" / "bars")
    (cls.directory / "config.textproto").write_text(CONFIG)
    address = cls.directory / "address"
    daemon = subprocess.Popen(
        [os.environ["ANNEALD"], "--data-dir", cls.directory / "data", "--datasets",
         cls.directory / "datasets", "--listen", "127.0.0.1:0", "--address-file", address],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    cls.addClassCleanup(daemon.wait)
    cls.addClassCleanup(daemon.terminate)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not address.exists() and daemon.poll() is None and time.monotonic() < deadline:
      time.sleep(0.02)
    cls.server = address.read_text().strip()

  def anneal(self, *arguments):
    """Returns what the client prints."""
    finished = subprocess.run(
        [os.environ["ANNEAL"], *arguments], cwd=self.directory, capture_output=True, text=True,
        timeout=PATIENCE_SECONDS, check=False,
        env=os.environ | {"ANNEAL_SERVER": self.server, "HOME": str(self.directory)})
    self.assertEqual(finished.returncode, 0, f"{arguments}: {finished.stderr}")
    return finished.stdout

  def train(self, experiment, *fields):
    """Trains a run. Returns the paths of its checkpoint and of its split."""
    settings = [argument for field in fields for argument in ("--set", field)]
    self.anneal("submit", "--file", "config.textproto", "--id", experiment, "-f", *settings)
    return self.download(experiment), self.split(experiment)

  def download(self, experiment):
    path = f"{experiment}.{len(list(self.directory.glob(experiment + '.*')))}.safetensors"
    self.anneal("checkpoint", "download", f"{experiment}/0", "--out", path)
    return self.directory / path

  def split(self, experiment, *options):
    self.anneal("split", f"{experiment}/0", "--out", f"{experiment}.npz", *options)
    return self.directory / f"{experiment}.npz"

  def replay(self, *files):
    """Returns the exit code of the script, and what it prints."""
    finished = subprocess.run(
        [sys.executable, REPLAY, self.directory / "datasets" / "bars", *files],
        capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    self.assertEqual(finished.stderr, "")
    return finished.returncode, finished.stdout

  def assert_replays(self, *files):
    code, output = self.replay(*files)
    self.assertEqual(code, 0, output)
    self.assertIn("validation_relu_accuracy", output)

  def test_measures_what_was_recorded(self):
    for name, fields in {
        "fixed": ["theta.start=0.3"],
        "linear": ["theta.start=pi/4", "engine=REFERENCE"],
        "normalised": ["network.batch_norm=true", "theta.start=0.5"],
        "scheduled": ["network.batch_norm=true", "theta.policy=SCHEDULED", "theta.start=0.6",
                      "theta.end=0.2"],
        "channels": ["network.batch_norm=true", "theta.policy=TRAINABLE",
                     "theta.granularity=CHANNEL"],
        "neurons": ["theta.policy=TRAINABLE", "theta.granularity=NEURON", "theta.start=0.4"],
        "shared": ["theta.policy=TRAINABLE", "theta.granularity=NETWORK", "theta.start=0.4"],
    }.items():
      with self.subTest(name):
        self.assert_replays(*self.train(name, *fields))

  def train_two_epochs_and_one(self, name, *fields):
    """Returns the checkpoints before and after the third epoch, and its split."""
    before, _ = self.train(name, *fields)
    self.anneal("extend", f"{name}/0", "--epochs", "3")
    self.anneal("wait", name)
    return before, self.download(name), self.split(name, "--epochs", "3")

  def training_error(self, *files):
    """Returns by how much the training loss of the next epoch differs from the recorded one."""
    _, output = self.replay(*files)
    recorded, replayed = re.search(r"^train_loss +(\S+) +(\S+)", output, re.MULTILINE).groups()
    return abs(float(recorded) - float(replayed))

  def test_trains_the_next_epoch(self):
    for name, normalised in (("next", "false"), ("next-normalised", "true")):
      with self.subTest(name):
        before, after, split = self.train_two_epochs_and_one(
            name, f"network.batch_norm={normalised}")
        self.assert_replays(before, split, after)
        self.assertLess(self.training_error(before, split, after), 1e-4)

  def test_another_order_gives_another_epoch(self):
    before, after, split = self.train_two_epochs_and_one("order")
    arrays = dict(numpy.load(split))
    arrays["epoch_3"] = numpy.sort(arrays["epoch_3"])
    numpy.savez(self.directory / "sorted.npz", **arrays)
    error = self.training_error(before, self.directory / "sorted.npz", after)
    self.assertGreater(error, 10 * self.training_error(before, split, after))
    self.assertGreater(error, 1e-4)

  def test_another_split_has_other_metrics(self):
    checkpoint, _ = self.train("seed")
    self.anneal("submit", "--file", "config.textproto", "--id", "other", "--seeds", "7", "-f")
    code, output = self.replay(checkpoint, self.split("other"))
    self.assertEqual(code, 1, output)
    self.assertIn("DIFFERS", output)

  def test_the_split_has_every_image_once(self):
    _, path = self.train("split")
    self.assertEqual(sorted(numpy.load(path)), ["epoch_1", "train", "validation"])
    split = numpy.load(self.split("split", "--epochs", "2,1"))
    for name, array in split.items():
      self.assertEqual(array.dtype, numpy.dtype("<i4"), name)
    self.assertEqual(len(split["train"]), TRAIN)
    self.assertEqual(len(split["validation"]), VALIDATION)
    images = set(split["train"]) | set(split["validation"])
    self.assertEqual(len(images), TRAIN + VALIDATION)
    self.assertLess(max(images), IMAGES)
    self.assertGreaterEqual(min(images), 0)
    for epoch in ("epoch_1", "epoch_2"):
      numpy.testing.assert_array_equal(numpy.sort(split[epoch]), numpy.sort(split["train"]))
    self.assertFalse(numpy.array_equal(split["epoch_1"], split["epoch_2"]))

  def test_csv_has_the_same_images(self):
    self.train("csv")
    self.anneal("split", "csv/0", "--out", "split.csv", "--epochs", "1,2")
    split = numpy.load(self.split("csv", "--epochs", "1,2"))
    read = {}
    with open(self.directory / "split.csv", newline="") as file:
      for row in csv.DictReader(file):
        name = row["part"] + (f"_{row['epoch']}" if row["epoch"] else "")
        images = read.setdefault(name, [])
        self.assertEqual(int(row["position"]), len(images))
        images.append(int(row["image"]))
    self.assertEqual(read, {name: array.tolist() for name, array in split.items()})

  def test_the_digest_is_of_the_checkpoints_weights(self):
    checkpoint, _ = self.train("digest")
    run = json.loads(self.anneal("show", "digest/0", "-o", "json"))
    data = checkpoint.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    ranges = sorted(entry["data_offsets"] for name, entry in header.items()
                    if not name.startswith(("__metadata__", "optimizer.", "best.", "epoch_start.")))
    weights = b"".join(data[begin + first:begin + last] for first, last in ranges)
    self.assertEqual(run["weights_sha256"], hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
  unittest.main()
