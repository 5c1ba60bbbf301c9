#!/usr/bin/env bash
# Installs missing dependencies, builds, and runs every test with CTest.
#
#   tests/run.sh             the dev preset
#   tests/run.sh PRESET      another one: asan, tsan
#   tests/run.sh PRESET ...  further arguments go to ctest, such as -L unit or -R Watch
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-dev}
[ $# -eq 0 ] || shift

deploy/install_dependencies.sh --tests
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset"
ctest --preset "$preset" --parallel "$(nproc)" "$@"
