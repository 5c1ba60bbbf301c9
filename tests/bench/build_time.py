"""Measures a clean release build without ccache, in total and by target.

  build_time.py [--json FILE]
"""

import os
import pathlib
import subprocess
import tempfile
import time

from harness import parse_options, save

SLOWEST = 12


def targets(build):
    """Returns seconds by target, from ninja's log (start ms, end ms, mtime, target, hash)."""
    lines = (build / ".ninja_log").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return {row[3]: (int(row[1]) - int(row[0])) / 1000 for row in rows}


def main():
    options = parse_options(__doc__)
    source = pathlib.Path(__file__).resolve().parents[2]
    environment = dict(os.environ, CCACHE_DISABLE="1")
    with tempfile.TemporaryDirectory() as temporary:
        build = pathlib.Path(temporary)
        begin = time.monotonic()
        for command in (["cmake", "--preset", "release", "-B", build], ["cmake", "--build", build]):
            subprocess.run(command, cwd=source, env=environment, check=True,
                           stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - begin
        by_target = targets(build)
    print(f"clean release build: {seconds:.0f} s on {len(os.sched_getaffinity(0))} cores, "
          f"{sum(by_target.values()):.0f} s in all jobs")
    for target in sorted(by_target, key=by_target.get, reverse=True)[:SLOWEST]:
        print(f"{by_target[target]:8.1f} s  {target}")
    save(options, {"seconds": seconds, "targets": by_target})


if __name__ == "__main__":
    main()
