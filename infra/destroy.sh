#!/usr/bin/env bash
# `make destroy`: removes what `make deploy` has made. The database and the secrets stay, unless --purge is given; APIs and the state's bucket stay.
#
#   infra/destroy.sh --project=my-project --env=dev [--region=us-central1] [--purge] [--dry-run]
#
# It asks for the project's name before it begins. In prod everything that can't be made again is protected: before --purge, set
# deletion_protection = false in infra/env/prod.tfvars and `make deploy`.
set -Eeuo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=infra/gcloud/lib/run.sh
. "$ROOT/infra/gcloud/lib/run.sh"
# shellcheck source=infra/gcloud/lib/names.sh
. "$ROOT/infra/gcloud/lib/names.sh"
# shellcheck source=infra/gcloud/lib/project.sh
. "$ROOT/infra/gcloud/lib/project.sh"
# shellcheck source=infra/gcloud/lib/terraform.sh
. "$ROOT/infra/gcloud/lib/terraform.sh"

read_arguments "infra/destroy.sh --project=PROJECT --env=dev|prod [--region=REGION] [--purge] [--dry-run]" "$@"
if [[ -z $DRY_RUN ]]; then
    need gcloud "cloud.google.com/sdk/docs/install"
    need terraform "developer.hashicorp.com/terraform/install"
fi

# Whether a resource is deleted or left is kept in the state: it has to be said before it counts.
allow_purge() {
    step "The database and the keys may be deleted"
    t apply -input=false "${VARIABLES[@]}" -var=purge=true -auto-approve -target=google_firestore_database.this -target=google_secret_manager_secret.key \
        -target=google_kms_crypto_key.data_keys
    VARIABLES+=(-var=purge=true)
}

# Tenants' credentials were made by the API, so Terraform does not know them.
delete_credentials() {
    local name names=''
    step "Tenants' credentials"
    if [[ -z $DRY_RUN ]]; then names=$(ask secrets list "--filter=name~/secrets/$CREDENTIAL_PREFIX" '--format=value(name.basename())'); fi
    for name in $names; do g secrets delete "$name"; done
}

read_project
check_protection
confirm "This removes Fanfare from $PROJECT ($ENV)${PURGE:+, with its database and its secrets, for ever}."
STATE_BUCKET=${STATE_BUCKET:-$PROJECT-terraform}
start_terraform
[[ -z $PURGE ]] || allow_purge
t destroy -input=false "${VARIABLES[@]}" -auto-approve
if [[ $PURGE ]]; then
    delete_credentials
else
    step "Kept: the database and the secrets fanfare-… (PURGE=1 deletes them; the next make deploy takes them over)"
fi
