# shellcheck shell=bash
# Firestore: the database, what it keeps of the past, its indexes and its rules.

create_database() {
    local protection=--delete-protection
    [[ $ENV == prod ]] || protection=--no-delete-protection
    step "Firestore"
    if is_there firestore databases describe "--database=$DATABASE"; then
        g firestore databases update "--database=$DATABASE" "$protection" --enable-pitr --format=none
    else
        g firestore databases create "--database=$DATABASE" "--location=$FIRESTORE_LOCATION" --type=firestore-native "$protection" --enable-pitr \
            --format=none
    fi
    if [[ $DRY_RUN || -z $(ask firestore backups schedules list "--database=$DATABASE" --format='value(name)') ]]; then
        g firestore backups schedules create "--database=$DATABASE" --recurrence=daily "--retention=$(here "$BACKUP_RETENTION")" --format=none
    fi
}

# Google refuses an index that is there; then there is nothing to do.
create_index() {
    local said
    if [[ $DRY_RUN ]]; then
        g "$@"
    elif ! said=$(g "$@" 2>&1 </dev/null); then
        [[ $said == *ALREADY_EXISTS* || $said == *"already exists"* ]] || fail "gcloud $* failed: $said"
    fi
}

create_indexes() {
    local commands arguments
    step "Indexes and expiry (they are built in the background)"
    commands=$(cd "$ROOT" && python3 -m ops.composite_indexes firestore.indexes.json)
    while IFS=$'\t' read -r -a arguments; do
        create_index firestore indexes composite create "${arguments[@]}" "--database=$DATABASE" --async
    done <<<"$commands"
    # gcloud can neither exempt a field for collection groups nor set all of a field at once.
    with_token ops.firestore_fields "$PROJECT" "$DATABASE" firestore.indexes.json
}

publish_rules() {
    step "Rules"
    # gcloud has no command for them.
    with_token ops.firestore_rules "$PROJECT" firestore.rules
}

# with_token MODULE ARGUMENT…: a module of ours that calls Google with the token of whoever runs gcloud.
with_token() {
    if [[ $DRY_RUN ]]; then
        printf 'gcloud auth print-access-token | python3 -m'
        printf ' %q' "$@"
        printf '\n'
    else
        gcloud auth print-access-token | (cd "$ROOT" && python3 -m "$@")
    fi
}
