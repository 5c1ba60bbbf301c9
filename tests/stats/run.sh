#!/usr/bin/env bash
# Compares the statistics of common/stats with SciPy's, statsmodels' and NumPy's.
#
#   tests/stats/run.sh EVALUATE_STATS [TEST...]    such as StatsTest.test_median
#
# The packages come from PyPI, once, into build/stats. Exits with 77 (skipped, to CTest) where
# Python's venv is missing or PyPI cannot be reached.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/venv.sh

evaluate_stats=$(realpath "${1:?usage: $0 EVALUATE_STATS [TEST...]}")
shift
requirements=tests/stats/requirements.txt
make_venv stats "$(cat "$requirements")" install -r "$requirements"
EVALUATE_STATS=$evaluate_stats "$venv/bin/python" tests/stats/stats_test.py "$@"
