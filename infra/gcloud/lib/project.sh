# shellcheck shell=bash
# The project itself: its APIs, its service accounts, what functions are built with.

read_project() {
    if [[ $DRY_RUN ]]; then
        PROJECT_NUMBER=PROJECT_NUMBER
        return
    fi
    gcloud auth print-access-token >/dev/null 2>&1 || fail "Nobody is logged in: gcloud auth login"
    PROJECT_NUMBER=$(gcloud projects describe "$PROJECT" --format='value(projectNumber)') || fail "The project $PROJECT can't be seen: see above."
}

enable_apis() {
    step "APIs"
    # shellcheck disable=SC2086 # one argument for each
    g services enable $APIS ${USE_KMS:+"$KMS_API"}
}

create_account() {
    is_there iam service-accounts describe "$(email "$1")" || g iam service-accounts create "$1" "--display-name=$2" --format=none
}

create_accounts() {
    local name
    step "Service accounts"
    create_account "$TASKS_ACCOUNT" "Fanfare: what Cloud Tasks calls functions as"
    create_account "$SCHEDULER_ACCOUNT" "Fanfare: what Cloud Scheduler calls functions as"
    create_account "$BUILD_ACCOUNT" "Fanfare: what builds the functions' images"
    for name in $(function_names); do
        create_account "fanfare-$name" "Fanfare: the function $name"
    done
}

# grant ACCOUNT ROLE [CONDITION]: in the whole project.
grant() {
    again g projects add-iam-policy-binding "$PROJECT" "--member=serviceAccount:$1" "--role=$2" "--condition=${3:-None}" --format=none
}

create_role() {
    is_there iam roles describe "$1" || g iam roles create "$1" "--title=$2" "--permissions=$3" --stage=GA --format=none
    if [[ -z $DRY_RUN ]]; then g iam roles update "$1" "--permissions=$3" --format=none; fi
}

# What a build needs, and no more: the copies of the source that Cloud Functions makes, the repository, and a place for its log.
create_build() {
    step "What functions are built with"
    is_there artifacts repositories describe "$REPOSITORY" "--location=$REGION" ||
        g artifacts repositories create "$REPOSITORY" "--location=$REGION" --repository-format=docker "--description=The functions' images" --format=none
    again g artifacts repositories add-iam-policy-binding "$REPOSITORY" "--location=$REGION" "--member=serviceAccount:$(email "$BUILD_ACCOUNT")" \
        --role=roles/artifactregistry.writer --format=none
    grant "$(email "$BUILD_ACCOUNT")" roles/logging.logWriter
    grant "$(email "$BUILD_ACCOUNT")" roles/storage.objectViewer \
        "title=copies-of-the-source,expression=resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-$PROJECT_NUMBER-\")"
}

keep_logs() {
    local days
    days=$(here "$LOG_RETENTION_DAYS")
    step "Log lines are kept for $days days; those whose URL holds a key are not kept"
    g logging buckets update _Default --location=global "--retention-days=$days" --format=none
    # `POST /reload?token=…` (docs/daemon.md): Cloud Run's own line of a request can't be redacted, only left out.
    is_excluded "$LOG_EXCLUSION" || g logging sinks update _Default --format=none \
        "--add-exclusion=name=$LOG_EXCLUSION,filter=log_id(\"run.googleapis.com/requests\") AND httpRequest.requestUrl=~\"[?&]token=\""
}

is_excluded() {
    [[ -z $DRY_RUN && $(ask logging sinks describe _Default '--format=value(exclusions.name)') == *"$1"* ]]
}
