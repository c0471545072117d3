#!/bin/sh
# Previews a stack into the folder `preview`: preview.json (the engine's events) and counts.json for machines,
# summary.txt for whoever approves, and preview.md with each difference, which is printed, too.
. "$(dirname "$0")/stack.sh"
mkdir -p preview
# The events and not the digest: it leaves out what an earlier replacement has left over, policy violations, and more.
export PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true
if ! pulumi preview --non-interactive --json --stack "$STACK" >preview/preview.json; then
    # The reasons are in the file: this prints them, and fails.
    tool preview-summary preview/preview.json
    exit 1
fi
tool preview-summary preview/preview.json >preview/summary.txt
# Whether something may be destroyed is what the approval is about, so nothing here stops for it.
tool preview-comment --dry-run --approved --counts preview/counts.json "$title=preview/preview.json" | tee preview/preview.md
cat preview/summary.txt
