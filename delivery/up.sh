#!/bin/sh
# Deploys a stack. The preview was shown before. A lock that somebody holds is respected: this fails, and says whose.
. "$(dirname "$0")/stack.sh"
pulumi up --non-interactive --yes --skip-preview --stack "$STACK"
