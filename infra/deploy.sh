#!/usr/bin/env bash
# `make deploy`: deploys Fanfare with Terraform. What it needs first is made with gcloud: the bucket of the state, and the APIs that Terraform itself calls.
#
#   infra/deploy.sh --project=my-project --env=dev [--region=us-central1] [--yes] [--dry-run]
#
# Terraform shows what it is going to do and asks; --yes says so beforehand. --dry-run prints the commands, asks nothing and changes nothing.
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
# shellcheck source=infra/gcloud/lib/migrations.sh
. "$ROOT/infra/gcloud/lib/migrations.sh"

read_arguments "infra/deploy.sh --project=PROJECT --env=dev|prod [--region=REGION] [--yes] [--dry-run]" "$@"
if [[ -z $DRY_RUN ]]; then
    need gcloud "cloud.google.com/sdk/docs/install"
    need terraform "developer.hashicorp.com/terraform/install"
fi
trap 'say "Stopped amid a step. Mend what is said above and run the same command again: it goes on."' ERR

prepare_project() {
    step "What Terraform needs"
    g services enable cloudresourcemanager.googleapis.com iam.googleapis.com secretmanager.googleapis.com serviceusage.googleapis.com storage.googleapis.com
    # Secret Manager's own account, which is told when a key is due, is only there once it is asked for.
    g beta services identity create --service=secretmanager.googleapis.com
}

read_project
check_migrations
prepare_project
create_state_bucket
start_terraform
adopt_kept
t apply -input=false "${VARIABLES[@]}" ${YES:+-auto-approve}
migrate
remember

step "Deployed"
t output
say "The first client: make first-tenant ENV=$ENV"
