#!/usr/bin/env bash
# Checks the contract as others use it: `buf lint`, and a Python client generated from proto/ that
# has googleapis' and TensorBoard's messages in the same process and calls a daemon.
#
#   tests/protos/run.sh ANNEALD
#
# The packages come from PyPI, once, into build/protos. Exits with 77 (skipped, to CTest) where
# Python's venv is missing or PyPI cannot be reached.
set -euo pipefail
cd "$(dirname "$0")/../.."

anneald=$(realpath "${1:?usage: $0 ANNEALD}")
requirements=tests/protos/requirements.txt
# Its messages need nothing but protobuf; the packages that it draws with are large.
tensorboard=tensorboard==2.21.0
out=build/protos
log=$out/pip.log

skip() {
  echo "skipped: $*"
  exit 77
}

install() {
  "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 20 "$@" \
    >>"$log" 2>&1
}

key=$(cat "$requirements" <(echo "$tensorboard") | sha256sum | cut -c 1-16)
venv=$out/venv-$key
mkdir -p "$out"
exec 9>"$out/lock"
flock 9
if [ ! -e "$venv/complete" ]; then
  command -v python3 >/dev/null || skip "there is no python3"
  rm -rf "$out"/venv-*
  python3 -m venv "$venv" >"$log" 2>&1 || skip "python3 -m venv fails: $(tail -n 1 "$log")"
  if ! { install -r "$requirements" && install --no-deps "$tensorboard"; }; then
    tail -n 3 "$log"
    ! grep -q 'after connection broken' "$log" || skip "PyPI cannot be reached"
    exit 1
  fi
  touch "$venv/complete"
fi
flock -u 9

"$venv/bin/buf" lint proto
ANNEALD=$anneald "$venv/bin/python" tests/protos/clients_test.py
