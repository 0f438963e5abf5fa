# shellcheck shell=bash
# What each function may do, and nothing more (infra/access.tf): Firestore, queues, secrets.

# A key never stands in a variable, an argument or a file: it goes from one program to the next.
make_key() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'; }

create_key() {
    is_there secrets describe "$1" || g secrets create "$1" --replication-policy=automatic --format=none
    if [[ $DRY_RUN ]]; then
        say "(32 random bytes as base64url) | gcloud secrets versions add $1 --data-file=- --project=$PROJECT"
    elif [[ -z $(ask secrets versions list "$1" --limit=1 --format='value(name)') ]]; then
        make_key | ask secrets versions add "$1" --data-file=- --format=none
    fi
}

create_keys() {
    local key
    step "Keys"
    # shellcheck disable=SC2086 # one argument for each
    for key in $(keys_needed $KEYS); do create_key "$key"; done
    if [[ $USE_KMS ]]; then create_kms_key; fi
}

# in_days NUMBER: a time as gcloud takes it; the `date` of macOS and that of Linux don't agree on how to ask for it.
in_days() {
    python3 -c 'import sys, time; print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400 * int(sys.argv[1]))))' "$1"
}

create_kms_key() {
    is_there kms keyrings describe fanfare --location=global || g kms keyrings create fanfare --location=global --format=none
    is_there kms keys describe "$KMS_KEY_NAME" "${KMS_PLACE[@]}" ||
        g kms keys create "$KMS_KEY_NAME" "${KMS_PLACE[@]}" --purpose=encryption --rotation-period=90d "--next-rotation-time=$(in_days 90)" \
            --format=none
}

allow_functions() {
    local name queue key
    step "What the functions may do"
    for name in $(function_names); do
        grant "$(account_of "$name")" roles/datastore.user \
            "title=this-database,expression=resource.name == \"projects/$PROJECT/databases/$DATABASE\""
        for queue in $(row "$PUBLISHES" "$name"); do allow_queue "$queue" "$name" roles/cloudtasks.enqueuer; done
        if [[ $(row "$PUBLISHES" "$name") == *[a-z]* ]]; then act_as_tasks "$name"; fi
        # shellcheck disable=SC2046 # one argument for each
        for key in $(keys_needed $(row "$READS_KEYS" "$name")); do
            again g secrets add-iam-policy-binding "$key" "--member=serviceAccount:$(account_of "$name")" --role=roles/secretmanager.secretAccessor --format=none
        done
        if [[ $USE_KMS && $(row "$READS_KEYS" "$name") == *"$DATA_KEY"* ]]; then allow_kms "$name"; fi
    done
    allow_credentials
    allow_api
}

allow_kms() {
    local role=roles/cloudkms.cryptoKeyDecrypter
    if [[ " $WRAPS " == *" $1 "* ]]; then role=roles/cloudkms.cryptoKeyEncrypterDecrypter; fi
    again g kms keys add-iam-policy-binding "$KMS_KEY_NAME" "${KMS_PLACE[@]}" "--member=serviceAccount:$(account_of "$1")" "--role=$role" --format=none
}

allow_queue() {
    again g tasks queues add-iam-policy-binding "$1" "--location=$REGION" "--member=serviceAccount:$(account_of "$2")" "--role=$3" --format=none
}

# A task carries a token of the tasks' account: whoever makes one must be allowed to act as it.
act_as_tasks() {
    again g iam service-accounts add-iam-policy-binding "$(email "$TASKS_ACCOUNT")" "--member=serviceAccount:$(account_of "$1")" \
        --role=roles/iam.serviceAccountUser --format=none
}

# Tenants' secrets come and go while everything runs: who may do what is told by the beginning of their names.
allow_credentials() {
    local name
    local condition="title=credentials-of-tenants,expression=resource.name.startsWith(\"projects/$PROJECT_NUMBER/secrets/$CREDENTIAL_PREFIX\")"
    for name in $READS_CREDENTIALS; do
        grant "$(account_of "$name")" roles/secretmanager.secretAccessor "$condition"
    done
    create_role fanfareCredentialWriter "Fanfare: replace tenants' credentials" \
        secretmanager.versions.add,secretmanager.versions.destroy,secretmanager.versions.disable,secretmanager.versions.list
    grant "$(account_of api)" "projects/$PROJECT/roles/fanfareCredentialWriter" "$condition"
    # A secret is made in the project, whose name is no secret's: no condition on names reaches this right.
    create_role fanfareCredentialCreator "Fanfare: create tenants' credentials" secretmanager.secrets.create
    grant "$(account_of api)" "projects/$PROJECT/roles/fanfareCredentialCreator"
}

# Its readiness looks at the queue of direct sends and at the jobs; it signs listeners' tokens as itself.
allow_api() {
    allow_queue send api roles/cloudtasks.viewer
    create_role fanfareJobViewer "Fanfare: look at jobs" cloudscheduler.jobs.get,cloudscheduler.jobs.list
    grant "$(account_of api)" "projects/$PROJECT/roles/fanfareJobViewer"
    create_role fanfareSigner "Fanfare: sign as a service account" iam.serviceAccounts.signBlob
    again g iam service-accounts add-iam-policy-binding "$(account_of api)" "--member=serviceAccount:$(account_of api)" \
        "--role=projects/$PROJECT/roles/fanfareSigner" --format=none
}
