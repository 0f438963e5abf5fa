#!/bin/sh
# Python, but for what would call Google: that is a line of $FAKE/published, with the token that it was given.
case "$2" in
ops.firestore_*) echo "$* $(cat)" >>"$FAKE/published" ;;
*) exec "$REAL_PYTHON" "$@" ;;
esac
