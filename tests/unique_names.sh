#!/usr/bin/env bash
# Files of a library are compiled together (CMAKE_UNITY_BUILD), so what is private to one of them is
# seen by the others: a function of the same name could be called instead of their own. Says which
# private names a library has twice.
set -euo pipefail
cd "$(dirname "$0")/.."

find client common server -name '*.cc' -print0 | sort -z | xargs -0 awk '
  FNR == 1 {
    inside = 0
    library = FILENAME
    sub(/\/[^\/]*$/, "", library)
    if (library ~ /^client/) library = library ~ /commands|shell/ ? "client/commands" : "client"
    if (library ~ /^server\/training/) library = "server/training"
  }
  /^namespace \{/ { inside = 1; next }
  /^\}  \/\/ namespace/ { inside = 0; next }
  # The first line of a function, or of a constant.
  inside && /^[A-Za-z]/ && !/^(template|using|namespace|class|struct|enum|static_assert|HWY_)/ {
    name = $0
    sub(/ = .*/, "(", name)
    if (!sub(/\(.*/, "", name)) next
    sub(/\[.*/, "", name)
    sub(/.*[ *&]/, "", name)
    key = library " " name
    if (key in first && first[key] != FILENAME) {
      print name " is private to both " first[key] " and " FILENAME ": rename one"
      failed = 1
    }
    first[key] = FILENAME
  }
  END { exit failed }'
