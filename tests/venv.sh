# Functions for tests that take packages from PyPI: sourced by their run.sh, in the repository's
# root.

# Ends the test as skipped, to CTest.
skip() {
  echo "skipped: $*"
  exit 77
}

# Installs packages into the virtual environment $venv. Takes pip's arguments.
install() {
  "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 20 "$@" \
    >>"$log" 2>&1
}

# make_venv NAME REQUIREMENTS COMMAND...
# Sets `venv` to the virtual environment build/NAME/venv-*, in which COMMAND has installed
# REQUIREMENTS, a text; it runs once for each text. Skips the test where Python's venv is missing or
# PyPI cannot be reached.
make_venv() {
  local out=build/$1 key
  key=$(sha256sum <<<"$2" | cut -c 1-16)
  venv=$out/venv-$key
  log=$out/pip.log
  shift 2
  mkdir -p "$out"
  exec 9>"$out/lock"
  flock 9
  if [ ! -e "$venv/complete" ]; then
    command -v python3 >/dev/null || skip "there is no python3"
    rm -rf "$out"/venv-*
    python3 -m venv "$venv" >"$log" 2>&1 || skip "python3 -m venv fails: $(tail -n 1 "$log")"
    if ! "$@"; then
      tail -n 3 "$log"
      ! grep -q 'after connection broken' "$log" || skip "PyPI cannot be reached"
      exit 1
    fi
    touch "$venv/complete"
  fi
  exec 9>&-
}
