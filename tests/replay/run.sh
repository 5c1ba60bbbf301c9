#!/usr/bin/env bash
# Runs docs/replay.py on checkpoints and splits of a daemon's runs (replay_test.py).
#
#   tests/replay/run.sh ANNEALD ANNEAL
#
# Needs Debian's python3-torch, which is of the same LibTorch as the daemon. Exits with 77 (skipped,
# to CTest) without it.
set -euo pipefail
cd "$(dirname "$0")/../.."

usage="usage: $0 ANNEALD ANNEAL"
anneald=$(realpath "${1:?$usage}")
anneal=$(realpath "${2:?$usage}")
python=/usr/bin/python3

if ! "$python" -c 'import numpy, torch' 2>/dev/null; then
  echo "skipped: $python has no PyTorch; install python3-torch"
  exit 77
fi
ANNEALD=$anneald ANNEAL=$anneal "$python" tests/replay/replay_test.py
