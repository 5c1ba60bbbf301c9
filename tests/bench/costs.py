"""Measures throughput by config option, batch size, width, depth and number of workers.

  costs.py TRAINING_BENCH DATASET_DIRECTORY [--rounds N] [--json FILE]

Settings are interleaved, round by round. Each is compared with the first one of its table in the
same round; the table shows the median of these ratios.
"""

import json
import os
import statistics
import sys

from harness import Training, parse_options, save

IMAGES = 6400


def layers(width, depth):
    """Returns the default network's first two layers with `width` filters, then 3x3 layers up to
    `depth`."""
    convs = [{"filters": width, "kernel": 4, "pool": "POOL_MAX"},
             {"filters": width, "kernel": 3, "pool": "POOL_MAX"}]
    convs += [{"filters": width, "kernel": 3, "padding": 1}] * (depth - 2)
    return "network.layers=" + json.dumps([{"conv": conv} for conv in convs])


def trainable(granularity):
    return ("theta.policy=TRAINABLE", f"theta.granularity={granularity}")


def tables():
    """Returns rows by table title: (name, number of concurrent runs, config fields)."""
    cores = len(os.sched_getaffinity(0))
    return {
        "Options": [
            ("theta fixed at 0", 1, ()),
            ("annealed", 1, ("theta.policy=SCHEDULED",)),
            ("trainable, NETWORK", 1, trainable("NETWORK")),
            ("trainable, LAYER", 1, trainable("LAYER")),
            ("trainable, CHANNEL", 1, trainable("CHANNEL")),
            ("trainable, NEURON", 1, trainable("NEURON")),
            ("L2", 1, ("regularizer.l2=1e-4",)),
            ("SGD", 1, ("optimizer.kind=SGD",)),
            ("gradient clipping", 1, ("optimizer.clip_norm=1",)),
            ("last checkpoint only", 1, ("checkpoint.every_epochs=1000",)),
        ],
        "Batch": [(f"batch {size}", 1, (f"batch_size={size}",)) for size in (32, 1, 8, 128, 512)],
        "Width": [(f"width {width}", 1, (layers(width, 3),)) for width in (16, 8, 32, 64)],
        "Depth": [(f"depth {depth}", 1, (layers(16, depth),)) for depth in (3, 6, 12, 24)],
        "Workers": [(f"{runs} concurrent runs", runs, ()) for runs in range(1, cores + 1)],
    }


def measure(title, rows, options):
    trainings = [(name, Training(options.bench, options.directory, IMAGES, runs, fields=fields))
                 for name, runs, fields in rows]
    results = [{"table": title, "name": name, "samples": []} for name, _ in trainings]
    for number in range(options.rounds):
        print(f"{title}, round {number + 1} of {options.rounds}", file=sys.stderr)
        for (_, training), result in zip(trainings, results):
            result["samples"].append(training.run())
    return results


def median(result, key):
    return statistics.median(sample[key] for sample in result["samples"])


def ratio(result, first, key):
    return statistics.median(a[key] / b[key]
                             for a, b in zip(result["samples"], first["samples"]))


def print_table(title, results):
    print(f"\n{title:30}{'images/s':>10}{'vs first':>14}{'GFLOP/s':>10}"
          f"{'epoch s':>10}{'vs first':>14}")
    for result in results:
        print(f"{result['name']:30}{median(result, 'images_per_second'):10.0f}"
              f"{ratio(result, results[0], 'images_per_second'):16.2f}"
              f"{median(result, 'gflops'):10.1f}"
              f"{median(result, 'epoch_seconds'):10.3f}"
              f"{ratio(result, results[0], 'epoch_seconds'):16.2f}")


def main():
    options = parse_options(__doc__, "bench", "directory", rounds=5)
    everything = []
    for title, rows in tables().items():
        results = measure(title, rows, options)
        print_table(title, results)
        everything += results
    save(options, everything)


if __name__ == "__main__":
    main()
