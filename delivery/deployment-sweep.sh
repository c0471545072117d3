#!/bin/sh
# Sweeps after deployment tests: after the run whose end has started this, or after all that are too old.
#   OPTION             pipeline of the run, or none
#   DEPLOYMENT_TEST    execution of that pipeline, or none
#   TEST_PIPELINES     how the names of these pipelines begin
. "$(dirname "$0")/stack.sh"
if [ "$OPTION" = none ]; then
    tool deployment-test sweep --stack "$title" --verbose
else
    tool deployment-test destroy "${OPTION#"$TEST_PIPELINES"}" --stack "$title" --verbose
fi
