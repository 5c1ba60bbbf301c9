#!/usr/bin/env bash
# Builds and runs the benchmarks, in a release build of their own. On a machine that does nothing else.
#
#   tests/bench/run.sh                  all, as tables
#   tests/bench/run.sh NAME ...         some: kernels, store, daemon, pytorch
#   tests/bench/run.sh --json DIR ...   writes DIR/NAME.json too
#
# pytorch compares with Debian's python3-torch, which is installed for it, on MNIST.
set -euo pipefail
cd "$(dirname "$0")/../.."

json=
if [ "${1:-}" = --json ]; then
  json="${2:?--json needs a directory}"
  shift 2
  mkdir -p "$json"
fi
names=("${@:-}")
[ $# -gt 0 ] || names=(kernels store daemon pytorch)
for name in "${names[@]}"; do
  case "$name" in
    kernels | store | daemon | pytorch) ;;
    *) echo "$0: there is no benchmark $name; there are kernels, store, daemon, pytorch" >&2; exit 2 ;;
  esac
done

deploy/install_dependencies.sh --tests
cmake --preset bench >/dev/null
cmake --build --preset bench --target kernel_bench store_bench daemon_bench training_bench
build=build/bench/tests
# Engines and OpenBLAS have one thread a training, as in the daemon.
export OPENBLAS_NUM_THREADS=1

# One of Google Benchmark's programs.
run() {
  local output=()
  [ -z "$json" ] || output=(--benchmark_out="$json/$1.json" --benchmark_out_format=json)
  "$build/$2" "${output[@]}"
}

versus_pytorch() {
  /usr/bin/python3 -c 'import torch' 2>/dev/null ||
    apt-get install -y --no-install-recommends python3-torch python3-numpy
  deploy/fetch_mnist.sh --to build/bench/mnist
  local output=()
  [ -z "$json" ] || output=(--json "$json/pytorch.json")
  /usr/bin/python3 tests/bench/versus_pytorch.py "$build/training_bench" build/bench/mnist \
    "${output[@]}"
}

for name in "${names[@]}"; do
  case "$name" in
    kernels) run kernels kernel_bench ;;
    store) run store store_bench ;;
    daemon) run daemon daemon_bench ;;
    pytorch) versus_pytorch ;;
  esac
done
