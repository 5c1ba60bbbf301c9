#!/usr/bin/env bash
# Runs clang-tidy on our own code, or on the given files.
#
#   tests/tidy.sh [FILE.cc ...]
set -euo pipefail
cd "$(dirname "$0")/.."

command -v clang-tidy >/dev/null || {
  echo "clang-tidy is not installed: apt-get install clang-tidy" >&2
  exit 1
}
# Clang cannot read GCC's precompiled headers.
cmake --preset dev -B build/tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
cmake --build build/tidy --target anneal_grpc anneal_store client_proto \
  grpc_health_proto server_proto field_record_proto tensorboard_proto >/dev/null

if [ $# -eq 0 ]; then
  mapfile -t files < <(git ls-files 'common/*.cc' 'client/*.cc' 'server/*.cc')
else
  files=("$@")
fi
tidy() {
  local as=()
  case $1 in
    server/training/engines/reference/* | server/training/engines/fused/fused_engine.cc)
      # Clang cannot parse Torch's headers as C++20.
      as=(--extra-arg=-std=c++17 --extra-arg=-Wno-c++20-designator
        --extra-arg=-Wno-c++20-extensions)
      ;;
  esac
  clang-tidy -p build/tidy --quiet "${as[@]}" "$1" 2> >(grep -v ' warnings* generated' >&2)
}
export -f tidy
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'tidy "$1"' tidy
