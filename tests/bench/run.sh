#!/usr/bin/env bash
# Builds and runs the benchmarks in a build directory of their own. The machine should be idle.
#
#   tests/bench/run.sh                  all benchmarks, as tables
#   tests/bench/run.sh NAME ...         some of them:
#     kernels     GFLOP/s of each kernel, and the peak of this machine
#     engine      time of a training step and of its parts
#     costs       throughput by config option, batch size, width, depth and workers
#     pytorch     comparison with PyTorch on MNIST; installs Debian's python3-torch
#     store       inserts per second; latency of lists and histories
#     daemon      RPC latency beside training: a sweep of 10,000 runs, pages, watchers
#     comparison  seconds of compare, plot and report of 10,000 runs, and the daemon's memory
#     footprint   start-up time, memory, and CPU overhead beside a run
#     build       time of a clean release build, and its slowest targets
#   tests/bench/run.sh --json DIR ...   also writes DIR/NAME.json
set -euo pipefail
cd "$(dirname "$0")/../.."

json=
if [ "${1:-}" = --json ]; then
  json="${2:?--json needs a directory}"
  shift 2
  mkdir -p "$json"
fi
names=("$@")
all=(kernels engine costs pytorch store daemon comparison footprint build)
[ $# -gt 0 ] || names=("${all[@]}")
for name in "${names[@]}"; do
  [[ " ${all[*]} " == *" $name "* ]] || {
    echo "$0: unknown benchmark $name; available: ${all[*]}" >&2
    exit 2
  }
done

deploy/install_dependencies.sh --tests
cmake --preset bench >/dev/null
cmake --build --preset bench --target \
  kernel_bench engine_bench training_bench store_bench daemon_bench fill_database anneald anneal
build=build/bench
# One OpenBLAS thread per run, as in the daemon.
export OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1

# Runs a Google Benchmark program: NAME PROGRAM.
program() {
  local output=()
  [ -z "$json" ] || output=(--benchmark_out="$json/$1.json" --benchmark_out_format=json)
  "$build/tests/$2" "${output[@]}"
}

# Runs a Python script: NAME FILE ARGUMENT...
script() {
  local name=$1 file=$2
  shift 2
  local output=()
  [ -z "$json" ] || output=(--json "$json/$name.json")
  /usr/bin/python3 "tests/bench/$file" "$@" "${output[@]}"
}

mnist() { deploy/fetch_mnist.sh --to "$build/mnist"; }

pytorch() {
  /usr/bin/python3 -c 'import torch' 2>/dev/null ||
    apt-get install -y --no-install-recommends python3-torch python3-numpy
  script pytorch versus_pytorch.py "$build/tests/training_bench" "$build/mnist"
}

for name in "${names[@]}"; do
  case "$name" in
    kernels) program kernels kernel_bench ;;
    engine | store | daemon) program "$name" "${name}_bench" ;;
    costs) mnist && script costs costs.py "$build/tests/training_bench" "$build/mnist" ;;
    pytorch) mnist && pytorch ;;
    comparison) script comparison comparison.py "$build" ;;
    footprint) mnist && script footprint footprint.py "$build" "$build" ;;
    build) script build build_time.py ;;
  esac
done
