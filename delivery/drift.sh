#!/bin/sh
# Looks for what has been changed by hand, and tells each drift once.
#   TOPIC_ARN          who is told
#   DRIFT_PARAMETER    where is remembered what was told
. "$(dirname "$0")/stack.sh"
mkdir -p drift
if pulumi preview --refresh --expect-no-changes --non-interactive --json --stack "$STACK" >drift/refreshed.json; then
    cp drift/refreshed.json drift/pending.json
else
    # Code that has not been deployed yet is no drift: a preview that does not look at AWS tells it apart.
    # If one of them failed, the tool says why, and fails.
    pulumi preview --non-interactive --json --stack "$STACK" >drift/pending.json || true
fi
tool drift --stack "$title" --pending drift/pending.json --refreshed drift/refreshed.json \
    --topic-arn "$TOPIC_ARN" --parameter "$DRIFT_PARAMETER" --link "${CODEBUILD_BUILD_URL:-}"
