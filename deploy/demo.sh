#!/usr/bin/env bash
# Runs the four experiments on a bare Debian 12: installs missing packages, builds, downloads the data,
# starts a separate daemon, trains every preset on the full data set, prints the comparison and stops
# the daemon. A second run reuses the build and the data.
#
#   deploy/demo.sh [--dataset mnist|fashion-mnist] [--epochs N]
set -euo pipefail
cd "$(dirname "$0")/.."

dataset=mnist
epochs=3
while [ $# -gt 0 ]; do
  case "$1" in
    --dataset) dataset="${2:?--dataset needs a name}"; shift 2 ;;
    --epochs) epochs="${2:?--epochs needs a number}"; shift 2 ;;
    *) echo "usage: $0 [--dataset mnist|fashion-mnist] [--epochs N]" >&2; exit 2 ;;
  esac
done
case "$dataset" in
  mnist|fashion-mnist) ;;
  *) echo "error: --dataset is $dataset; choose mnist or fashion-mnist" >&2; exit 2 ;;
esac
presets=(baseline annealed trainable-shared trainable-per-neuron)

step() { printf '\n== %s\n' "$*"; }

step "Dependencies"
deploy/install_dependencies.sh

step "Build"
cmake --preset release >/dev/null
cmake --build --preset release

step "Data"
datasets=build/datasets
if [ "$dataset" = mnist ]; then deploy/fetch_mnist.sh --to "$datasets/mnist"; else mkdir -p "$datasets"; fi

step "Daemon"
work=$(mktemp -d)
daemon=
follower=
# On every exit, including Ctrl-C, leaves no process and no file behind.
clean_up() {
  status=$?
  trap - EXIT INT TERM
  [ -z "$follower" ] || kill "$follower" 2>/dev/null || true
  if [ -n "$daemon" ] && kill "$daemon" 2>/dev/null; then wait "$daemon" || status=$?; fi
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build/release/server/anneald --data-dir "$work/data" --listen 127.0.0.1:0 --datasets "$datasets" \
  --address-file "$work/address" --log-level warn >"$work/log" 2>&1 &
daemon=$!
for _ in $(seq 100); do
  [ -s "$work/address" ] && break
  kill -0 "$daemon" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
ANNEAL_SERVER=$(cat "$work/address")
export ANNEAL_SERVER
anneal=build/release/client/anneal
echo "anneald listens on $ANNEAL_SERVER"

step "Experiments: ${presets[*]} on $dataset, seeds 0 and 1, $epochs epochs each"
for preset in "${presets[@]}"; do
  "$anneal" submit --preset "$preset" --id "$preset" --seeds 0..1 \
    --set "epochs=$epochs" --set "dataset.name=$dataset"
done
started=$SECONDS
for preset in "${presets[@]}"; do
  # In the background, so that bash handles Ctrl-C at once instead of after the experiment.
  "$anneal" watch "$preset" &
  follower=$!
  wait "$follower"
  follower=
done
echo "trained for $((SECONDS - started)) s"

step "Result: mean ± standard deviation over seeds"
"$anneal" compare "${presets[@]}"

step "Stopping the daemon"
kill "$daemon"
wait "$daemon"
daemon=
echo "stopped cleanly"
