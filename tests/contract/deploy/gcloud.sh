#!/bin/sh
# A stand-in for gcloud that keeps what was created as files in $FAKE/there, so that a script can be run twice and be broken off.
# Every call is a line of $FAKE/calls, its arguments between tabs. The call that has $FAKE/fail_at as its number fails.
printf '%s\t' "$@" >>"$FAKE/calls"
echo >>"$FAKE/calls"
if [ -e "$FAKE/fail_at" ] && [ "$(wc -l <"$FAKE/calls")" -eq "$(cat "$FAKE/fail_at")" ]; then
    echo "ERROR: (gcloud) PERMISSION_DENIED: not you" >&2
    exit 1
fi
key=
for argument; do
    case "$argument" in
    describe | create | deploy | delete | add | list | http | latest) ;;
    --*) ;;
    *) key="${key}_${argument%@*}" ;;
    esac
done
while [ "$key" != "${key#*/}" ]; do key="${key%%/*}-${key#*/}"; done
there="$FAKE/there/$key"
case "$*" in
"auth print-access-token"*) cat "$FAKE/token" ;;
"auth application-default "*) [ ! -e "$FAKE/no_default_login" ] ;;
"beta services identity create"*) ;;
"projects describe"*) echo 123456789 ;;
*" databases describe "*deleteProtectionState*) cat "$FAKE/protection" ;;
*"secrets list"*) [ ! -e "$FAKE/there/_secrets_fanfare-fcm-acme" ] || echo fanfare-fcm-acme ;;
*" versions list "*) [ ! -e "$there" ] || echo 1 ;;
*" versions describe "*) [ -e "$FAKE/there/_secrets_versions_fanfare-blind-index-key" ] || { echo "ERROR: NOT_FOUND: nothing there" >&2; exit 1; } ;;
*" schedules list "*) [ ! -e "$there" ] || echo daily ;;
*" sinks describe "*) [ ! -e "$FAKE/there/_logging_sinks_update__Default" ] || echo fanfare-keys-in-urls ;;
*" versions add "*) cat >"$there" ;;
*" describe "*) [ -e "$there" ] || { echo "ERROR: NOT_FOUND: nothing there" >&2; exit 1; } ;;
*" composite create "*)
    there="$FAKE/there/$(printf %s "$*" | cksum | tr ' ' -)"
    [ ! -e "$there" ] || { echo "ERROR: ALREADY_EXISTS: index already exists" >&2; exit 1; }
    : >"$there"
    ;;
*" create "*)
    [ ! -e "$there" ] || { echo "ERROR: ALREADY_EXISTS: $key" >&2; exit 1; }
    : >"$there"
    ;;
*" deploy "* | *" sinks update "*) : >"$there" ;;
*" delete "*) rm "$there" ;;
esac
