#!/usr/bin/env bash
# Builds the fuzz targets and runs each for a limited time, one per CPU in parallel.
#
#   tests/fuzz/run.sh                     one minute each
#   tests/fuzz/run.sh SECONDS [NAME ...]  longer, or a selection: filter, idx, ...
#
# Starts with the seeds in corpus/NAME and the inputs that earlier runs kept in build/fuzz/corpus/NAME. A
# failing input is written to build/fuzz/findings; `build/fuzz/tests/fuzz/NAME_fuzz FILE` reproduces it.
# Fix the fault and add the input to the seeds.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-60}
[ $# -eq 0 ] || shift
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for source in tests/fuzz/*_fuzz.cc; do names+=("$(basename "$source" _fuzz.cc)"); done
fi

deploy/install_dependencies.sh --fuzz
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz

out=build/fuzz
mkdir -p "$out/findings"
export ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
fuzz() {
  local name=$1 log=$out/$1.log
  mkdir -p "$out/corpus/$name"
  # 10 s for one input is a hang: none should take a hundredth of it.
  if "$out/tests/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -malloc_limit_mb=512 -max_len=4096 -print_final_stats=1 \
    -artifact_prefix="$out/findings/$name-" "$out/corpus/$name" "tests/fuzz/corpus/$name" \
    >"$log" 2>&1; then
    echo "ok    $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
  else
    tail -n 40 "$log"
    echo "FAIL  $name: see $log"
    return 1
  fi
}
export -f fuzz
export out seconds
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} bash -c 'set -euo pipefail; fuzz {}'
