#!/usr/bin/env bash
# Run a matrix, compare it with a baseline if there is one, and say what came out.
#
# $MATRIX, $RESULTS, $BASELINE, $EXECUTOR and $PACKAGE are the action's inputs. $HARNESS is a harness that is installed
# already. Exit code 0 no worse, 1 worse than the baseline, 2 can't be compared, 3 or 4 searches failed or are missing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
RESULTS=${RESULTS:-results}
SUMMARY=${GITHUB_STEP_SUMMARY:-/dev/stdout}
OUTPUT=${GITHUB_OUTPUT:-/dev/stdout}
name=$(basename "$MATRIX" .toml)
folder=$RESULTS/$name

if [ -z "${HARNESS:-}" ]; then
  environment=${RUNNER_TEMP:-$(mktemp -d)}/tuner-bench
  python3 -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "${PACKAGE:-$here/../../..}[cpu,report]"
  HARNESS=$environment/bin/harness
fi

code=0
"$HARNESS" run "$MATRIX" --results "$RESULTS" --executor "${EXECUTOR:-local}" --quiet || code=$?
# 3: some searches failed, 4: some are missing. There are tables all the same.
case $code in 0 | 3 | 4) ;; *) exit "$code" ;; esac
echo "folder=$folder" >> "$OUTPUT"
cat "$folder/tables/answer.md" >> "$SUMMARY"

if [ -n "${BASELINE:-}" ]; then
  compared=0
  "$HARNESS" compare "$BASELINE" "$folder" --markdown "$folder/comparison.md" --badge "$folder/badge.json" || compared=$?
  cat "$folder/comparison.md" >> "$SUMMARY"
  case $compared in 0) verdict="no worse" ;; 1) verdict=worse ;; *) verdict="can't be compared" ;; esac
  { echo "verdict=$verdict"; echo "badge=$folder/badge.json"; } >> "$OUTPUT"
  if [ "$code" = 0 ]; then code=$compared; fi
fi
exit "$code"
