#!/bin/sh
# Python, but for what would call Google: that is a line of $FAKE/published, with the token that it was given.
case "$2" in
ops.firestore_*) echo "$* $(cat)" >>"$FAKE/published" ;;
ops.in_deployment)
    echo "$PROJECT $REGION $5 $6" >>"$FAKE/migrated"
    [ ! -e "$FAKE/unmigrated" ] || { echo "The migration stopped: Firestore does not answer." >&2; exit 1; }
    ;;
*) exec "$REAL_PYTHON" "$@" ;;
esac
