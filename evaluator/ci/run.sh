#!/usr/bin/env bash
# Runs alertproof in CI: the command in the arguments, or one command per line of ALERTPROOF_RUN. Quotes group words; nothing
# else is read as by a shell. Each command runs, and the exit code is that of the first which did not succeed.
#   ALERTPROOF_PACKAGE  what npm installs: the path or URL of the tarball, or a version in a registry
#   ALERTPROOF_SUMMARY  file to which commands that can append their summary in Markdown; GITHUB_STEP_SUMMARY by default
set -euo pipefail
# Without a default: the name is not ours in any registry yet, and CI must not run what a stranger publishes under it.
package=${ALERTPROOF_PACKAGE:?Give the package: the path or URL of its tarball}
summary=${ALERTPROOF_SUMMARY:-${GITHUB_STEP_SUMMARY:-}}
failed=0

alertproof() {
  npx --yes --package "$package" -- alertproof "$@"
}

command() {
  if [ -n "$summary" ] && alertproof "$1" --help 2>&1 | grep -q -e '^  --summary '; then
    set -- "$@" --summary "$summary"
  fi
  local code=0
  alertproof "$@" || code=$?
  if [ "$failed" = 0 ]; then failed=$code; fi
}

if [ $# -gt 0 ]; then
  command "$@"
else
  while IFS= read -r line; do
    words=()
    while IFS= read -r word; do words+=("$word"); done < <(printf '%s\n' "$line" | xargs -n 1 printf '%s\n')
    if [ "${words[*]}" != '' ]; then command "${words[@]}" </dev/null; fi
  done <<<"${ALERTPROOF_RUN:?Give a command, or ALERTPROOF_RUN with one command per line}"
fi
exit "$failed"
