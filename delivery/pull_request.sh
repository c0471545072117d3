#!/bin/sh
# Previews each stack and shows on the pull request what they say; fails, after that, where something stops the merge.
#   STACKS          the stacks, each as STACK, or STACK,ROLE, or STACK,ROLE,EXTERNAL_ID
#   REPOSITORY      CodeCommit repository
#   PULL_REQUEST    id of the pull request
#   COMMIT          its newest commit
#   APPROVES        `true` where the build approves what nothing stops, and takes that back otherwise
set -eu
cd "$(dirname "$0")/.."
mkdir -p previews
for one in $STACKS; do
    STACK=${one%%,*}
    rest=${one#"$STACK"}
    rest=${rest#,}
    DELIVERY_ROLE_ARN=${rest%%,*}
    DELIVERY_EXTERNAL_ID=${rest#"$DELIVERY_ROLE_ARN"}
    DELIVERY_EXTERNAL_ID=${DELIVERY_EXTERNAL_ID#,}
    output=previews/${STACK##*/}
    # A preview that fails is told in the comment, with what it printed beside its JSON.
    (
        . delivery/stack.sh
        PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --stack "$STACK" --json --non-interactive
    ) >"$output.json" 2>"$output.txt" || cat "$output.txt" >>"$output.json"
    set -- "$@" "${STACK##*/}=$output.json"
done
if [ "${APPROVES:-}" = true ]; then
    set -- "$@" --set-approval
fi
PYTHONPATH=$PWD exec .venv/bin/python -P -m tools preview-comment "$@" --to codecommit --region "$AWS_REGION" \
    --repository "$REPOSITORY" --pull-request "$PULL_REQUEST" --commit "$COMMIT" --run-url "${CODEBUILD_BUILD_URL:-}"
