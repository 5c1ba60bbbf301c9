"""Trains the default network in PyTorch, as a baseline.

Loads MNIST, then trains one epoch per line on standard input and prints its images per second, so
that a script can interleave warmed-up peers.

  pytorch_peer.py DATASET_DIRECTORY LOOP LAYOUT THREADS BATCH IMAGES

LOOP: `dataloader`, the loop of PyTorch's tutorials, or `tuned`: batches indexed from a tensor of
all images, pooling before the activation, gradients set to None. LAYOUT: `contiguous` or
`channels_last`.
"""

import pathlib
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional


class Network(nn.Module):
    """The default network of anneald; `slope` is tan(theta)."""

    def __init__(self, pool_first, slope=0.0):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 4)
        self.conv2 = nn.Conv2d(16, 16, 3)
        self.conv3 = nn.Conv2d(16, 16, 3)
        self.output = nn.Linear(144, 10)
        self.pool_first = pool_first
        self.slope = slope

    def activate(self, x):
        return functional.leaky_relu(x, self.slope)

    def hidden(self, x):
        if self.pool_first:
            return self.activate(functional.max_pool2d(x, 2))
        return functional.max_pool2d(self.activate(x), 2)

    def forward(self, x):
        x = self.hidden(self.conv1(x))
        x = self.hidden(self.conv2(x))
        x = self.activate(self.conv3(x))
        return self.output(torch.flatten(x, 1))


def read_idx(path, header):
    return numpy.frombuffer(path.read_bytes(), numpy.uint8, offset=header)


def load(directory, count):
    root = pathlib.Path(directory)
    pixels = read_idx(root / "train-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)
    labels = read_idx(root / "train-labels-idx1-ubyte", 8)
    images = torch.from_numpy(pixels[:count].astype(numpy.float32) / 255)
    images = (images - images.mean()) / images.std()
    return images, torch.from_numpy(labels[:count].astype(numpy.int64))


def main():
    directory, loop, layout, threads, batch, count = sys.argv[1:]
    batch, count = int(batch), int(count)
    torch.set_num_threads(int(threads))
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    images, labels = load(directory, count)
    tuned = loop == "tuned"
    network = Network(pool_first=tuned)
    if layout == "channels_last":
        network = network.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step(x, y):
        optimizer.zero_grad(set_to_none=tuned)
        functional.cross_entropy(network(x), y).backward()
        optimizer.step()

    def tuned_epoch():
        order = torch.randperm(count)
        for begin in range(0, count, batch):
            indices = order[begin:begin + batch]
            x = images[indices]
            if layout == "channels_last":
                x = x.contiguous(memory_format=torch.channels_last)
            step(x, labels[indices])

    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(images, labels), batch_size=batch, shuffle=True)

    def dataloader_epoch():
        for x, y in loader:
            step(x, y)

    epoch = tuned_epoch if tuned else dataloader_epoch
    epoch()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        epoch()
        print(count / (time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
