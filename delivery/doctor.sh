#!/bin/sh
# Examines a deployed stack; fails where people could not see, launch or use what it offers.
. "$(dirname "$0")/stack.sh"
tool doctor --stack "$title"
