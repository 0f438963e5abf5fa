#!/usr/bin/env bash
# Deploys Fanfare with gcloud alone: what `make deploy` does with Terraform. Every step can be repeated: what is there is left or brought up to date.
#
#   infra/gcloud/deploy.sh --project=my-project --env=dev [--region=us-central1] [--dry-run]
#
# --dry-run prints the commands, asks nothing and changes nothing.
set -Eeuo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=infra/gcloud/lib/run.sh
. "$HERE/lib/run.sh"
# shellcheck source=infra/gcloud/lib/names.sh
. "$HERE/lib/names.sh"
# shellcheck source=infra/gcloud/lib/project.sh
. "$HERE/lib/project.sh"
# shellcheck source=infra/gcloud/lib/database.sh
. "$HERE/lib/database.sh"
# shellcheck source=infra/gcloud/lib/access.sh
. "$HERE/lib/access.sh"
# shellcheck source=infra/gcloud/lib/functions.sh
. "$HERE/lib/functions.sh"
# shellcheck source=infra/gcloud/lib/migrations.sh
. "$HERE/lib/migrations.sh"

read_arguments "infra/gcloud/deploy.sh --project=PROJECT --env=dev|prod [--region=REGION] [--dry-run]" "$@"
need python3 "Python 3.11 or newer reads firestore.indexes.json and publishes the rules."
[[ $DRY_RUN ]] || need gcloud "cloud.google.com/sdk/docs/install"

trap 'say "Stopped amid a step. Mend what is said above and run the same command again: it goes on."' ERR

read_project
check_migrations
enable_apis
create_accounts
create_build
create_database
create_indexes
create_keys
create_queues
allow_functions
deploy_functions
allow_callers
create_jobs
publish_rules
keep_logs
migrate

remember

step "Deployed"
say "The API: $(url_of api)/api/v1/docs"
say "The first client: make first-tenant ENV=$ENV"
