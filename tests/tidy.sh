#!/usr/bin/env bash
# Runs clang-tidy over our own code, or over the files that are named.
#
#   tests/tidy.sh [FILE.cc ...]
set -euo pipefail
cd "$(dirname "$0")/.."

command -v clang-tidy >/dev/null || {
  echo "clang-tidy is not installed: apt-get install clang-tidy" >&2
  exit 1
}
# GCC's precompiled headers are nothing to clang.
cmake --preset dev -B build/tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
cmake --build build/tidy --target anneal_grpc anneal_store >/dev/null

if [ $# -eq 0 ]; then
  mapfile -t files < <(git ls-files 'common/*.cc' 'client/*.cc' 'server/*.cc')
else
  files=("$@")
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/tidy --quiet
