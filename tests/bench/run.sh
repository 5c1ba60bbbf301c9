#!/usr/bin/env bash
# Builds and runs the benchmarks, in a release build of their own. On a machine that does nothing else.
#
#   tests/bench/run.sh                  all, as tables
#   tests/bench/run.sh NAME ...         some:
#     kernels     GFLOP/s of each kernel, and the peak of this machine
#     engine      where the time of a step goes
#     costs       what choices cost; batch, width, depth, workers
#     pytorch     against Debian's python3-torch, which is installed for it, on MNIST
#     store       epochs and submissions a second, lists and histories
#     daemon      10,000 cells, pages, watchers
#     footprint   start-up, memory, and what storage takes beside a training
#     build       a clean release build, and its slowest files
#   tests/bench/run.sh --json DIR ...   writes DIR/NAME.json too
set -euo pipefail
cd "$(dirname "$0")/../.."

json=
if [ "${1:-}" = --json ]; then
  json="${2:?--json needs a directory}"
  shift 2
  mkdir -p "$json"
fi
names=("$@")
all=(kernels engine costs pytorch store daemon footprint build)
[ $# -gt 0 ] || names=("${all[@]}")
for name in "${names[@]}"; do
  [[ " ${all[*]} " == *" $name "* ]] || {
    echo "$0: there is no benchmark $name; there are ${all[*]}" >&2
    exit 2
  }
done

deploy/install_dependencies.sh --tests
cmake --preset bench >/dev/null
cmake --build --preset bench --target \
  kernel_bench engine_bench training_bench store_bench daemon_bench anneald anneal
build=build/bench
# Engines and OpenBLAS have one thread a training, as in the daemon.
export OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1

# One of Google Benchmark's programs.
program() {
  local output=()
  [ -z "$json" ] || output=(--benchmark_out="$json/$1.json" --benchmark_out_format=json)
  "$build/tests/$2" "${output[@]}"
}

# One of the scripts.
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
    footprint) mnist && script footprint footprint.py "$build" "$build" ;;
    build) script build build_time.py ;;
  esac
done
