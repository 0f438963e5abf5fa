# shellcheck shell=bash
# The queues, the functions, and the jobs that call them.

create_queues() {
    local name called percent verb
    step "Queues"
    while read -r name called percent; do
        [[ $name ]] || continue
        verb=create
        if is_there tasks queues describe "$name" "--location=$REGION"; then verb=update; fi
        g tasks queues "$verb" "$name" "--location=$REGION" "--max-dispatches-per-second=$DISPATCHES_PER_SECOND" \
            "--max-concurrent-dispatches=$(($(capacity_of "$called") * percent / 100))" "--max-attempts=$MAX_ATTEMPTS" \
            "--min-backoff=$MIN_BACKOFF" "--max-backoff=$MAX_BACKOFF" --format=none </dev/null
    done <<<"$QUEUES"
}

# environment_of THREADS SECONDS: what a function finds in its environment (docs/settings.md), a variable a line.
environment_of() {
    local name hosts=''
    for name in $(functions_called_by tasks) $(functions_called_by scheduler); do
        printf '%s\n' "${name^^}_URL=$(url_of "$name")"
    done
    for name in $(functions_called_by public); do hosts+=${hosts:+,}$(host_of "$name"); done
    printf '%s\n' "GOOGLE_CLOUD_PROJECT=$PROJECT" "FANFARE_REGION=$REGION" "FIRESTORE_DATABASE=$DATABASE" \
        "TASKS_SERVICE_ACCOUNT=$(email "$TASKS_ACCOUNT")" "SCHEDULER_SERVICE_ACCOUNT=$(email "$SCHEDULER_ACCOUNT")" \
        "ALLOWED_HOSTS=$hosts${ALLOWED_HOSTS:+,$ALLOWED_HOSTS}" "CORS_ORIGINS=${CORS_ORIGINS:-}" \
        "TRUSTED_PROXY_HOPS=${TRUSTED_PROXY_HOPS:-1}" "KMS_KEY=$(kms_key)" "LOG_LEVEL=${LOG_LEVEL:-$(here "$LOG_LEVELS")}" \
        "OTEL_EXPORTER_OTLP_ENDPOINT=${OTEL_EXPORTER_OTLP_ENDPOINT:-}" "SENTRY_DSN=${SENTRY_DSN:-}" \
        "WORKERS=1" "THREADS=$1" "CLOUD_RUN_TIMEOUT_SECONDS=$2"
}

deploy_functions() {
    local name caller threads memory seconds most
    step "Functions"
    while read -r name caller threads memory seconds most; do
        [[ -z $name ]] || deploy_function "$name" "$caller" "$threads" "$memory" "$seconds" "$most" </dev/null
    done <<<"$FUNCTIONS"
}

deploy_function() {
    local name=$1 caller=$2 threads=$3 memory=$4 seconds=$5 most=$6 environment least
    local ingress=internal-only
    [[ $caller != public ]] || ingress=all
    read -r least most <<<"$(instances_of "$name" "$most")"
    # Lists of hosts have commas: gcloud is told another separator.
    environment=$(environment_of "$threads" "$seconds" | paste -s -d ';' -)
    g functions deploy "$name" --gen2 "--region=$REGION" "--runtime=$RUNTIME" "--source=$ROOT/functions" "--entry-point=$name" --trigger-http \
        "--service-account=$(account_of "$name")" "--build-service-account=projects/$PROJECT/serviceAccounts/$(email "$BUILD_ACCOUNT")" \
        "--docker-repository=projects/$PROJECT/locations/$REGION/repositories/$REPOSITORY" "--memory=$memory" --cpu=1 "--concurrency=$threads" \
        "--timeout=${seconds}s" "--min-instances=$least" "--max-instances=$most" "--ingress-settings=$ingress" \
        --no-allow-unauthenticated "--set-env-vars=^;^$environment" --format=none
}

# Public are api and stream: they ask for an API key at every request. The others check their caller's token once more themselves.
allow_callers() {
    local name
    step "Who may call which function"
    for name in $(functions_called_by public); do allow_call "$name" allUsers; done
    for name in $(functions_called_by tasks); do allow_call "$name" "serviceAccount:$(email "$TASKS_ACCOUNT")"; done
    for name in $(functions_called_by scheduler); do allow_call "$name" "serviceAccount:$(email "$SCHEDULER_ACCOUNT")"; done
}

allow_call() {
    g run services add-iam-policy-binding "$1" "--region=$REGION" "--member=$2" --role=roles/run.invoker --format=none
}

create_jobs() {
    local name cron verb
    step "Jobs"
    while read -r name cron; do
        [[ $name ]] || continue
        verb=create
        if is_there scheduler jobs describe "$name" "--location=$REGION"; then verb=update; fi
        g scheduler jobs "$verb" http "$name" "--location=$REGION" "--schedule=$cron" --time-zone=Etc/UTC "--uri=$(url_of "$name")" --http-method=POST \
            "--oidc-service-account-email=$(email "$SCHEDULER_ACCOUNT")" "--oidc-token-audience=$(url_of "$name")" "--attempt-deadline=${JOB_SECONDS}s" \
            --format=none </dev/null
    done <<<"$JOBS"
}
