#!/usr/bin/env python3
"""Rebuilds the network of a checkpoint in PyTorch and measures it: see replay.md.

  replay.py DATASET CHECKPOINT SPLIT [NEXT]

DATASET is the directory of the data set, CHECKPOINT a file of `anneal checkpoint download`, SPLIT
one of `anneal split`. With NEXT, the checkpoint one epoch later, trains that epoch too. Exits with
1 if what it measures differs from what was recorded.
"""

import gzip
import json
import math
import os
import sys

import numpy
import torch
from torch.nn import functional as F


def read_idx(path):
  with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz") as file:
    data = file.read()
  shape = numpy.frombuffer(data, ">i4", count=data[3], offset=4)
  return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * data[3]).reshape(shape)


def read_checkpoint(path):
  with open(path, "rb") as file:
    data = file.read()
  begin = 8 + int.from_bytes(data[:8], "little")
  header = json.loads(data[8:begin])
  metadata = header.pop("__metadata__")
  tensors = {}
  for name, entry in header.items():
    values = data[begin + entry["data_offsets"][0]:begin + entry["data_offsets"][1]]
    values = numpy.frombuffer(values, {"F32": "<f4", "F64": "<f8"}[entry["dtype"]])
    tensors[name] = torch.tensor(values).reshape(entry["shape"])
  return json.loads(metadata["config"]), json.loads(metadata["progress"]), tensors


def batches(dataset, indices, size):
  pixels, labels = dataset
  mean, deviation = pixels.mean(), pixels.std()  # NumPy's is of the population; PyTorch's is not
  for begin in range(0, len(indices), size):
    some = indices[begin:begin + size]
    images = torch.tensor((pixels[some] - mean) / deviation, dtype=torch.float32)
    yield images[:, None], torch.tensor(labels[some]).long()


def activate(x, theta):
  slope = torch.where(theta >= math.pi / 4, torch.ones_like(theta), theta.tan()).float()
  if x.dim() == 4 and slope.dim() == 1:
    slope = slope[:, None, None]  # one for each channel
  return torch.maximum(x * slope, x)


def forward(config, tensors, x, relu=False, momentum=None):
  """Returns the logits. Given a momentum, normalises by the batch and updates the statistics."""
  layers = config["network"]["layers"]
  for i, layer in enumerate(layers):
    get = lambda name: tensors[f"layers.{i}.{name}"]
    conv = layer.get("conv")
    if conv:
      x = F.conv2d(x, get("weight"), get("bias"), conv["stride"], conv["padding"])
    else:
      x = F.linear(x.flatten(1), get("weight"), get("bias"))
    if config["network"]["batch_norm"]:
      x = F.batch_norm(x, get("running_mean"), get("running_variance"), get("scale"),
                       get("shift"), momentum is not None, momentum or 0, eps=1e-5)
    if conv and conv["pool"] != "POOL_NONE":
      pool = F.max_pool2d if conv["pool"] == "POOL_MAX" else F.avg_pool2d
      x = pool(x, conv["pool_size"])
    theta = tensors["theta"] if "theta" in tensors else get("theta")
    x = activate(x, theta * (not relu))
  last = f"layers.{len(layers)}."
  return F.linear(x.flatten(1), tensors[last + "weight"], tensors[last + "bias"])


@torch.no_grad()
def measure(config, tensors, dataset, split, relu):
  if relu and config["network"]["batch_norm"]:
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    some = batches(dataset, split["train"], config["batch_size"])
    for k, (x, _) in zip(range(50), some):
      forward(config, tensors, x, relu, momentum=1 / (k + 1))  # the mean over the batches
  loss = correct = 0
  for x, labels in batches(dataset, split["validation"], 200):
    logits = forward(config, tensors, x, relu)
    loss += F.cross_entropy(logits, labels, reduction="sum").item()
    correct += (logits.argmax(1) == labels).sum().item()
  return loss / len(split["validation"]), correct / len(split["validation"])


def train_epoch(config, tensors, dataset, order, step, learning_rate):
  """Adam, with the L2 penalty, at one theta. Returns the training loss."""
  settings = config["optimizer"]
  penalty = {"weight_decay": 2 * config["regularizer"]["l2"]}  # of the gradient
  groups = [{"params": [tensor.requires_grad_()], **(penalty if name.endswith("weight") else {})}
            for name, tensor in tensors.items() if f"optimizer.first.{name}" in tensors]
  adam = torch.optim.Adam(groups, learning_rate, (settings["beta1"], settings["beta2"]),
                          settings["epsilon"])
  for name, tensor in tensors.items():
    if tensor.requires_grad:
      adam.state[tensor] = {"step": torch.tensor(float(step)),
                            "exp_avg": tensors[f"optimizer.first.{name}"],
                            "exp_avg_sq": tensors[f"optimizer.second.{name}"]}
  losses = 0
  for x, labels in batches(dataset, order, config["batch_size"]):
    adam.zero_grad()
    loss = F.cross_entropy(forward(config, tensors, x, momentum=0.1), labels)
    loss.backward()
    adam.step()
    losses += loss.item() * len(labels)
  return losses / len(order)


def differences(epoch, measured, tolerance):
  """Prints the metrics of an epoch. Returns how many are not as recorded."""
  wrong = 0
  print(f"{'epoch ' + str(epoch['epoch']):26}{'recorded':>12}{'replayed':>12}")
  for name, value in measured.items():
    differs = abs(epoch[name] - value) > tolerance
    wrong += differs
    print(f"{name:26}{epoch[name]:12.6f}{value:12.6f}{'  DIFFERS' if differs else ''}")
  return wrong


def measurements(config, tensors, dataset, split):
  measured = {}
  for name, relu in (("validation", False), ("validation_relu", True)):
    # A network whose thetas are all 0 is measured once.
    relu = relu and any(t.any() for name, t in tensors.items() if name.split(".")[-1] == "theta")
    loss, accuracy = measure(config, tensors, dataset, split, relu)
    measured.update({f"{name}_loss": loss, f"{name}_accuracy": accuracy})
  return measured


def main(directory, checkpoint, split, following=None):
  dataset = [read_idx(f"{directory}/train-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1")]
  split = numpy.load(split)
  config, progress, tensors = read_checkpoint(checkpoint)
  measured = measurements(config, tensors, dataset, split)
  wrong = differences(progress["last_epoch"], measured, 1e-4)
  if following:
    epoch = read_checkpoint(following)[1]["last_epoch"]
    loss = train_epoch(config, tensors, dataset, split[f"epoch_{epoch['epoch']}"],
                       int(progress["step"]), epoch["learning_rate"])
    measured = {"train_loss": loss, **measurements(config, tensors, dataset, split)}
    wrong += differences(epoch, measured, 1e-2)  # rounding differs in every step, and adds up
  return 1 if wrong else 0


if __name__ == "__main__":
  sys.exit(main(*sys.argv[1:]))
