# What every operation on a stack begins with: the pinned tools first, and the role of the stack's account.
#   STACK                   the stack
#   PULUMI_BACKEND_URL      where its state is
#   DELIVERY_ROLE_ARN       role of the stack's account; empty where the build's own rights are meant
#   DELIVERY_EXTERNAL_ID    external id that the role asks for
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.delivery/pulumi:$PWD/.venv/bin:$PATH
PULUMI_SKIP_UPDATE_CHECK=true
PYTHONPATH=$PWD
export PATH PULUMI_SKIP_UPDATE_CHECK PYTHONPATH
title=${STACK##*/}

tool() {
    python -P -m tools "$@"
}

if [ -n "${DELIVERY_ROLE_ARN:-}" ]; then
    # Each ends this by itself: in bash `set -e` does nothing in a subshell whose end the caller looks at.
    # Into this build's copy of the stack file, so that the engine, the dynamic providers and the doctor all act as it.
    pulumi config set --stack "$STACK" --path 'aws:assumeRoles[0].roleArn' "$DELIVERY_ROLE_ARN" || exit
    pulumi config set --stack "$STACK" --path 'aws:assumeRoles[0].sessionName' sm-mlops-delivery || exit
    if [ -n "${DELIVERY_EXTERNAL_ID:-}" ]; then
        pulumi config set --stack "$STACK" --path 'aws:assumeRoles[0].externalId' "$DELIVERY_EXTERNAL_ID" || exit
    fi
fi
