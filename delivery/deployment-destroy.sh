#!/bin/sh
# Destroys what one test of a deployment option has brought up. Once more is no error.
. "$(dirname "$0")/stack.sh"
tool deployment-test destroy "$OPTION" --stack "$title" --verbose
