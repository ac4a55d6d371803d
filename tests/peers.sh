#!/usr/bin/env bash
# Installs the programs of others that tests talk to: browsers, engines, servers, clients. A test that needs one runs
# only if STINGER_TEST_PEERS=1 is set, as .ci/run does after this script.
#
#     tests/peers.sh
#
# Names every peer that it could not get, and ends with 1 then.
set -uo pipefail

# One line each: the command that a test runs, and the Debian package that has it.
peers() {
    cat <<'LIST'
nginx nginx-light
LIST
}

missing=0
while read -r command package; do
    command -v "$command" >/dev/null && continue
    echo "peers: $command is not here; installing $package"
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1
    if ! command -v "$command" >/dev/null; then
        echo "peers: COULD NOT GET $command (package $package)"
        missing=1
    fi
done < <(peers)
exit "$missing"
