# shellcheck shell=bash disable=SC2034 # the other scripts read these tables
# What there is, in tables: the same as in infra/*.tf and in the code (tests/structure/test_gcloud_deploy.py compares them).

# function | who calls it | requests at once in an instance | memory | seconds | most instances
FUNCTIONS="
api       public    16  1Gi   300  20
stream    public    64  512Mi 900  10
send      tasks     8   512Mi 300  40
fanout    tasks     4   1Gi   300  5
webhook   tasks     16  512Mi 300  10
schedule  scheduler 1   512Mi 300  3
keepalive scheduler 1   512Mi 300  3
cleanup   scheduler 1   512Mi 300  2
rollup    scheduler 1   512Mi 300  2
"

# function | least and most instances in prod, where that differs: a cold start would be felt by a caller of api, and by whoever waits for a direct message.
PROD_INSTANCES="
api    1 50
stream 0 20
send   1 100
"

# queue | the function that it calls | how many percent of what all its instances do at once
# send-bulk leaves a fifth to direct sends, or the lanes would meet in the instances.
QUEUES="
send      send    100
send-bulk send    80
fanout    fanout  100
webhook   webhook 100
"
DISPATCHES_PER_SECOND=500
MOST_DISPATCHES=5000
MIN_BACKOFF=5s
MAX_BACKOFF=60s
MAX_ATTEMPTS=100

# job, which is also the function | when (UTC)
JOBS="
schedule  * * * * *
rollup    */5 * * * *
cleanup   17 3 * * *
keepalive * * * * *
"
JOB_SECONDS=300

# function | the queues that it puts tasks into
PUBLISHES="
api       send send-bulk fanout webhook
stream
send      send send-bulk fanout webhook
fanout    send send-bulk fanout webhook
webhook   webhook
schedule  send send-bulk fanout webhook
keepalive send send-bulk fanout
cleanup   fanout
rollup    fanout
"

# function | the deployment's keys that it reads
READS_KEYS="
api       fanfare-data-key fanfare-blind-index-key fanfare-receipt-key fanfare-cursor-key
stream    fanfare-cursor-key
send      fanfare-data-key fanfare-blind-index-key fanfare-receipt-key
fanout    fanfare-data-key fanfare-blind-index-key
webhook   fanfare-data-key
schedule  fanfare-data-key fanfare-blind-index-key fanfare-receipt-key
keepalive fanfare-data-key
cleanup
rollup    fanfare-data-key
"
KEYS="fanfare-data-key fanfare-blind-index-key fanfare-receipt-key fanfare-cursor-key"
DATA_KEY=fanfare-data-key
# Every deployment has this one, and finds nobody without it.
INDEX_KEY=fanfare-blind-index-key

# With USE_KMS=1 a key of Cloud KMS wraps the tenants' data keys, and KEEP_DATA_KEY=1 leaves the secret that did so until then (docs/deployment.md).
USE_KMS=${USE_KMS:-}
KEEP_DATA_KEY=${KEEP_DATA_KEY:-}
KMS_API=cloudkms.googleapis.com
# A database in a multi-region outlives a region: so must what opens it.
KMS_PLACE=(--location=global --keyring=fanfare)
KMS_KEY_NAME=data-keys
# The functions that give tenants new data keys, or wrap old ones anew; the others that read fanfare-data-key only unwrap.
WRAPS="api schedule"

# Tenants' credentials: api makes and replaces them, whoever talks to FCM reads them.
CREDENTIAL_PREFIX=fanfare-fcm-
READS_CREDENTIALS="api send fanout schedule"

APIS="
artifactregistry.googleapis.com
cloudbuild.googleapis.com
cloudfunctions.googleapis.com
cloudresourcemanager.googleapis.com
cloudscheduler.googleapis.com
cloudtasks.googleapis.com
fcm.googleapis.com
firebaserules.googleapis.com
firestore.googleapis.com
iam.googleapis.com
iamcredentials.googleapis.com
logging.googleapis.com
monitoring.googleapis.com
pubsub.googleapis.com
run.googleapis.com
secretmanager.googleapis.com
storage.googleapis.com
"

# The version that the tests run on.
RUNTIME=python311
DATABASE='(default)'
# A multi-region; where the database lives is settled for ever when it is made.
FIRESTORE_LOCATION=nam5
# in dev | in prod
BACKUP_RETENTION="7d 35d"
LOG_RETENTION_DAYS="30 90"
LOG_LEVELS="DEBUG INFO"
REPOSITORY=fanfare
LOG_EXCLUSION=fanfare-keys-in-urls
TASKS_ACCOUNT=fanfare-tasks
SCHEDULER_ACCOUNT=fanfare-scheduler
BUILD_ACCOUNT=fanfare-build

# first TABLE: the first word of each row.
first() { awk 'NF { print $1 }' <<<"$1"; }
# row TABLE KEY: the words behind the key.
row() { awk -v key="$2" '$1 == key { $1 = ""; print }' <<<"$1"; }

function_names() { first "$FUNCTIONS"; }
functions_called_by() { awk -v who="$1" '$2 == who { print $1 }' <<<"$FUNCTIONS"; }
# here "IN_DEV IN_PROD": the one of this environment.
here() { if [[ $ENV == prod ]]; then printf '%s' "${1#* }"; else printf '%s' "${1%% *}"; fi; }

# instances_of FUNCTION MOST: the least and the most instances in this environment.
instances_of() {
    local range=''
    [[ $ENV != prod ]] || range=$(row "$PROD_INSTANCES" "$1")
    printf '%s' "${range:-0 $2}"
}

# capacity_of FUNCTION: how many calls all its instances take at once; a queue has no more than 5,000 in the air.
capacity_of() {
    local threads most _least capacity
    read -r threads most <<<"$(awk -v name="$1" '$1 == name { print $3, $6 }' <<<"$FUNCTIONS")"
    read -r _least most <<<"$(instances_of "$1" "$most")"
    capacity=$((threads * most))
    printf '%d' $((capacity > MOST_DISPATCHES ? MOST_DISPATCHES : capacity))
}

# keys_needed KEY…: those of them that this deployment has.
keys_needed() {
    local key
    for key; do [[ $key == "$DATA_KEY" && $USE_KMS && ! $KEEP_DATA_KEY ]] || printf '%s\n' "$key"; done
}

kms_key() { if [[ $USE_KMS ]]; then printf 'projects/%s/locations/global/keyRings/fanfare/cryptoKeys/%s' "$PROJECT" "$KMS_KEY_NAME"; fi; }

email() { printf '%s@%s.iam.gserviceaccount.com' "$1" "$PROJECT"; }
# account_of FUNCTION: the service account that it runs as.
account_of() { email "fanfare-$1"; }

# host_of FUNCTION: Cloud Run's deterministic address, known before the function exists, so that all of them can be told all addresses.
host_of() { printf '%s-%s.%s.run.app' "$1" "$PROJECT_NUMBER" "$REGION"; }
url_of() { printf 'https://%s' "$(host_of "$1")"; }
