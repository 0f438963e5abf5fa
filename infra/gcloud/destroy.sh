#!/usr/bin/env bash
# Removes what infra/gcloud/deploy.sh has made. The database and the secrets stay, unless --purge is given; APIs stay on.
#
#   infra/gcloud/destroy.sh --project=my-project --env=dev [--region=us-central1] [--purge] [--dry-run]
#
# It asks for the project's name before it begins. In prod the database is protected: lift that before --purge,
#   gcloud firestore databases update --database='(default)' --no-delete-protection --project=my-project
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=infra/gcloud/lib/run.sh
. "$HERE/lib/run.sh"
# shellcheck source=infra/gcloud/lib/names.sh
. "$HERE/lib/names.sh"
# shellcheck source=infra/gcloud/lib/project.sh
. "$HERE/lib/project.sh"

read_arguments "infra/gcloud/destroy.sh --project=PROJECT --env=dev|prod [--region=REGION] [--purge] [--dry-run]" "$@"

# remove DESCRIBE… -- DELETE…: delete what is there.
remove() {
    local describe=()
    while [[ $1 != -- ]]; do
        describe+=("$1")
        shift
    done
    shift
    if [[ $DRY_RUN ]] || is_there "${describe[@]}"; then g "$@"; fi
}

remove_functions() {
    local name
    step "Jobs, functions and queues"
    for name in $(first "$JOBS"); do
        remove scheduler jobs describe "$name" "--location=$REGION" -- scheduler jobs delete "$name" "--location=$REGION"
    done
    for name in $(function_names); do
        remove functions describe "$name" --gen2 "--region=$REGION" -- functions delete "$name" --gen2 "--region=$REGION"
    done
    for name in $(first "$QUEUES"); do
        remove tasks queues describe "$name" "--location=$REGION" -- tasks queues delete "$name" "--location=$REGION"
    done
    remove artifacts repositories describe "$REPOSITORY" "--location=$REGION" -- artifacts repositories delete "$REPOSITORY" "--location=$REGION"
}

remove_accounts() {
    local name account
    step "Service accounts"
    for name in "$TASKS_ACCOUNT" "$SCHEDULER_ACCOUNT" "$BUILD_ACCOUNT" $(function_names | sed 's/^/fanfare-/'); do
        account=$(email "$name")
        remove iam service-accounts describe "$account" -- iam service-accounts delete "$account"
    done
}

purge() {
    local name tenants=''
    step "The database and the secrets, for ever"
    remove firestore databases describe "--database=$DATABASE" -- firestore databases delete "--database=$DATABASE"
    if [[ -z $DRY_RUN ]]; then tenants=$(ask secrets list "--filter=name~/secrets/$CREDENTIAL_PREFIX" '--format=value(name.basename())'); fi
    for name in $KEYS $tenants; do
        remove secrets describe "$name" -- secrets delete "$name"
    done
}

read_project
check_protection
confirm "This removes Fanfare from $PROJECT ($ENV)${PURGE:+, with its database and its secrets, for ever}."
remove_functions
remove_accounts
if [[ $PURGE ]]; then
    purge
else
    step "Kept: the database $DATABASE and the secrets fanfare-… (--purge deletes them)"
fi
