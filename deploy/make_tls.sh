#!/usr/bin/env bash
# Creates a private certificate authority, a certificate for the daemon and one for a client, for trying
# out TLS. Existing files are kept, so that a second call adds a client.
#
#   deploy/make_tls.sh DIR [--host NAME_OR_ADDRESS]... [--client NAME]
set -euo pipefail

directory=${1:?usage: $0 DIR [--host NAME_OR_ADDRESS]... [--client NAME]}
shift
hosts=(localhost 127.0.0.1)
client=
while [ $# -gt 0 ]; do
  case "$1" in
    --host) hosts+=("${2:?--host needs a name or an address}"); shift 2 ;;
    --client) client="${2:?--client needs a name}"; shift 2 ;;
    *) echo "usage: $0 DIR [--host NAME_OR_ADDRESS]... [--client NAME]" >&2; exit 2 ;;
  esac
done
command -v openssl >/dev/null || { echo "openssl is not installed: apt-get install openssl" >&2; exit 1; }
umask 077
mkdir -p "$directory"
cd "$directory"

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

# NAME SUBJECT EXTENSIONS
sign() {
  new_key "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$2" |
    openssl x509 -req -days 825 -CA ca.pem -CAkey ca.key -CAcreateserial -out "$1.pem" \
      -extfile <(printf '%s\n' "$3") 2>/dev/null
  echo "created $directory/$1.pem and $1.key"
}

if [ ! -e ca.pem ]; then
  new_key ca.key
  openssl req -x509 -new -key ca.key -days 3650 -subj "/CN=Convexity Annealing CA" -out ca.pem \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
  echo "created $directory/ca.pem and ca.key; keep ca.key private"
fi
if [ ! -e server.pem ]; then
  names=
  for host in "${hosts[@]}"; do
    case "$host" in
      *[!0-9.:]*) names+="${names:+,}DNS:$host" ;;
      *) names+="${names:+,}IP:$host" ;;
    esac
  done
  sign server "${hosts[0]}" "subjectAltName=$names
extendedKeyUsage=serverAuth"
fi
if [ -n "$client" ] && [ ! -e "$client.pem" ]; then sign "$client" "$client" "extendedKeyUsage=clientAuth"; fi
