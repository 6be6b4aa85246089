#!/usr/bin/env bash
# Runs a command beside a busy loop per core: tests must not depend on how fast a machine is.
set -euo pipefail
loops=()
trap 'kill "${loops[@]}" 2>/dev/null || true' EXIT
for _ in $(seq "$(nproc)"); do
  (while :; do :; done) &
  loops+=($!)
done
"$@"
