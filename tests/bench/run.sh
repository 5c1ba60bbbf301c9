#!/usr/bin/env bash
# Builds and runs the benchmarks, in a release build of their own.
#
#   tests/bench/run.sh            tables
#   tests/bench/run.sh --benchmark_format=json   and any other flag of Google Benchmark
set -euo pipefail
cd "$(dirname "$0")/../.."

deploy/install_dependencies.sh --tests
cmake --preset bench >/dev/null
cmake --build --preset bench --target store_bench
build/bench/tests/store_bench "$@"
