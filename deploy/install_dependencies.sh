#!/usr/bin/env bash
# Installs the Debian 12 packages for building, running and testing. Idempotent: it lists missing
# packages and calls apt-get only if there are any.
#
#   deploy/install_dependencies.sh            packages for the build and the daemon
#   deploy/install_dependencies.sh --tests    also those for tests/run.sh
#   deploy/install_dependencies.sh --fuzz     also those for tests/fuzz/run.sh
set -euo pipefail

build=(
  cmake ninja-build g++ pkg-config ccache mold
  libtorch-dev libopenblas0-pthread      # without OpenBLAS, dense layers run on the slow reference BLAS
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  libabsl-dev libsqlite3-dev libssl-dev zlib1g-dev
  libcli11-dev libspdlog-dev nlohmann-json3-dev libhwy-dev libboost-dev
  gnuplot-nox fonts-dejavu-core          # `anneal plot` draws with them
  libisal-dev                            # CRC-32C, for TensorBoard's files
  prometheus-cpp-dev libmicrohttpd-dev   # metrics
  libsystemd-dev dpkg-dev                # the service, and its package
  dataset-fashion-mnist
)
tests=(
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
  openssl groff-base zsh fish            # certificates; readers of manual pages and completions
  python3 python3-venv                   # a third-party client; its packages come from PyPI
  python3-torch                          # docs/replay.py
)
fuzz=(clang-14 libclang-rt-14-dev llvm-14)  # libFuzzer

wanted=("${build[@]}")
case "${1:-}" in
  '') ;;
  --tests) wanted+=("${tests[@]}") ;;
  --fuzz) wanted+=("${fuzz[@]}") ;;
  *) echo "usage: $0 [--tests|--fuzz]" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done

if [ ${#missing[@]} -eq 0 ]; then
  echo "dependencies: all ${#wanted[@]} packages are installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "error: run as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "dependencies: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "dependencies: done"
