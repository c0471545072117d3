#!/bin/sh
# Brings a deployment option up and examines it; what it leaves standing, deployment-destroy.sh destroys.
. "$(dirname "$0")/stack.sh"
tool deployment-test run "$OPTION" --stack "$title" --verbose --keep
