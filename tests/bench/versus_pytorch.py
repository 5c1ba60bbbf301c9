"""Compares the training throughput of anneald and PyTorch, in images per second.

  versus_pytorch.py TRAINING_BENCH DATASET_DIRECTORY [--rounds N] [--json FILE]

All contenders train the default network with Adam on the same images, interleaved round by round;
the table shows medians over the rounds. Requires Debian's python3-torch.
"""

import pathlib
import statistics
import subprocess
import sys

from harness import Training, parse_options, save

IMAGES = 6400
PEER = pathlib.Path(__file__).with_name("pytorch_peer.py")


class Ours:
    """`runs` concurrent runs of anneald, one thread each."""

    def __init__(self, bench, directory, batch, runs, engine):
        self.training = Training(bench, directory, IMAGES, runs=runs,
                                 fields=(f"batch_size={batch}", f"engine={engine}"))

    def measure(self):
        return self.training.run()["images_per_second"]

    def close(self):
        pass


class Peer:
    """`processes` concurrent PyTorch processes."""

    def __init__(self, directory, batch, loop, layout, threads, processes=1):
        command = ["/usr/bin/python3", PEER, directory, loop, layout, str(threads), str(batch),
                   str(IMAGES)]
        self.processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(processes)]
        for process in self.processes:
            if process.stdout.readline() != "ready\n":
                sys.exit(f"{PEER.name} did not start: is python3-torch installed?")

    def measure(self):
        for process in self.processes:
            process.stdin.write("\n")
            process.stdin.flush()
        return sum(float(process.stdout.readline()) for process in self.processes)

    def close(self):
        for process in self.processes:
            process.stdin.close()
            process.wait()


def contenders(bench, directory, batch):
    """Returns by name: "one" or "all" cores, and a function that starts the contender."""
    def peer(*settings, **more):
        return lambda: Peer(directory, batch, *settings, **more)

    def ours(runs, engine):
        return lambda: Ours(bench, directory, batch, runs, engine)

    return {
        "fused, one run": ("one", ours(1, "FUSED")),
        "reference engine, one run": ("one", ours(1, "REFERENCE")),
        "PyTorch DataLoader, 1 thread": ("one", peer("dataloader", "contiguous", 1)),
        "PyTorch tuned, contiguous, 1 thread": ("one", peer("tuned", "contiguous", 1)),
        "PyTorch tuned, channels last, 1 thread": ("one", peer("tuned", "channels_last", 1)),
        "fused, two runs": ("all", ours(2, "FUSED")),
        "PyTorch tuned, contiguous, 2 threads": ("all", peer("tuned", "contiguous", 2)),
        "PyTorch tuned, channels last, 2 threads": ("all", peer("tuned", "channels_last", 2)),
        "PyTorch tuned, contiguous, 2 processes":
            ("all", peer("tuned", "contiguous", 1, processes=2)),
        "PyTorch tuned, channels last, 2 processes":
            ("all", peer("tuned", "channels_last", 1, processes=2)),
    }


def measure(bench, directory, batch, rounds):
    started = {name: (cores, start())
               for name, (cores, start) in contenders(bench, directory, batch).items()}
    samples = {name: [] for name in started}
    for number in range(rounds):
        print(f"batch {batch}, round {number + 1} of {rounds}", file=sys.stderr)
        for name, (_, contender) in started.items():
            samples[name].append(contender.measure())
    for _, contender in started.values():
        contender.close()
    return [{"batch": batch, "cores": started[name][0], "name": name,
             "images_per_second": statistics.median(values), "samples": values}
            for name, values in samples.items()]


def print_table(rows):
    print(f"\n{'':44}{'images/s':>10}{'range':>16}   speed-up of fused")
    for row in rows:
        fused = next(other for other in rows
                     if other["cores"] == row["cores"] and other["name"].startswith("fused"))
        ratio = fused["images_per_second"] / row["images_per_second"]
        spread = f"{min(row['samples']):.0f}-{max(row['samples']):.0f}"
        note = "" if row is fused else f"{ratio:6.2f} x"
        print(f"{row['name']:44}{row['images_per_second']:10.0f}{spread:>16}   {note}")


def main():
    options = parse_options(__doc__, "bench", "directory", rounds=5)
    results = []
    for batch in (32, 128):
        rows = measure(options.bench, options.directory, batch, options.rounds)
        print(f"\nTraining the default network, batch {batch}, {IMAGES} images an epoch", end="")
        print_table(rows)
        results += rows
    save(options, results)


if __name__ == "__main__":
    main()
