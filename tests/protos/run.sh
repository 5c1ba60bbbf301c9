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
. tests/venv.sh

anneald=$(realpath "${1:?usage: $0 ANNEALD}")
requirements=tests/protos/requirements.txt
# Its messages need nothing but protobuf; the packages that it draws with are large.
tensorboard=tensorboard==2.21.0

install_packages() { install -r "$requirements" && install --no-deps "$tensorboard"; }
make_venv protos "$(cat "$requirements") $tensorboard" install_packages

"$venv/bin/buf" lint proto
ANNEALD=$anneald "$venv/bin/python" tests/protos/clients_test.py
