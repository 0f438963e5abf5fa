# shellcheck shell=bash
# How the scripts speak, read their arguments and act. With --dry-run nothing is asked or changed: the commands are printed.

# shellcheck disable=SC2034 # YES and PURGE are for the scripts that read this
PROJECT='' ENV='' REGION=us-central1 DRY_RUN='' YES='' PURGE=''
RETRY_SECONDS=${RETRY_SECONDS:-10}

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

# read_arguments USAGE ARGUMENT…
read_arguments() {
    local usage="usage: $1"
    shift
    while (($#)); do
        case "$1" in
        --project=*) PROJECT=${1#*=} ;;
        --env=*) ENV=${1#*=} ;;
        --region=*) REGION=${1#*=} ;;
        --dry-run) DRY_RUN=1 ;;
        --yes) YES=1 ;;
        --purge) PURGE=1 ;;
        -h | --help)
            say "$usage"
            exit 0
            ;;
        *) fail "$usage" ;;
        esac
        shift
    done
    [[ $PROJECT =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]] || fail "Name the Google Cloud project: --project=… (PROJECT=… of make)."
    [[ $ENV == dev || $ENV == prod ]] || fail "Say which environment it is: --env=dev or --env=prod (ENV=… of make)."
    [[ $REGION =~ ^[a-z]+-[a-z]+[0-9]+$ ]] || fail "--region must be a region such as us-central1."
}

need() {
    command -v "$1" >/dev/null 2>&1 || fail "$1 is needed, and it is not on the PATH: $2"
}

# run COMMAND…: do it, or print it.
run() {
    if [[ $DRY_RUN ]]; then
        printf '%q ' "$@"
        printf '\n'
    else
        "$@"
    fi
}

# g ARGUMENT…: gcloud in this project, without questions.
g() { run gcloud "$@" "--project=$PROJECT" --quiet; }

# again COMMAND…: an account that has just been made is not known everywhere at once, so a refusal is asked once more, four times.
again() {
    local left
    for left in 4 3 2 1; do
        if "$@"; then return 0; fi
        say "Once more in $RETRY_SECONDS seconds ($left left)."
        sleep "$RETRY_SECONDS"
    done
    "$@"
}

# ask ARGUMENT…: what gcloud answers.
ask() { gcloud "$@" "--project=$PROJECT" --quiet; }

# is_there ARGUMENT…: whether a describe finds something. Any other failure than "there is none" ends the script with gcloud's word.
is_there() {
    local said
    [[ -z $DRY_RUN ]] || return 1
    if said=$(ask "$@" 2>&1 >/dev/null); then
        return 0
    fi
    case "$said" in
    *NOT_FOUND* | *"not found"* | *"was not found"* | *"does not exist"* | *"Cannot find"* | *"could not be found"*) return 1 ;;
    *) fail "gcloud $* failed: $said" ;;
    esac
}

# remember: which project this environment is, for `make logs ENV=…` and `make first-tenant ENV=…`.
remember() {
    [[ -z $DRY_RUN ]] || return 0
    mkdir -p "$ROOT/.local/deployments"
    printf 'PROJECT=%s\nREGION=%s\n' "$PROJECT" "$REGION" >"$ROOT/.local/deployments/$ENV"
}

# confirm WHAT: ends the script unless the project's name is typed.
confirm() {
    local typed=''
    [[ -z $DRY_RUN ]] || return 0
    printf '%s\nType the project to go on: ' "$1"
    read -r typed || true
    [[ $typed == "$PROJECT" ]] || fail "Nothing was changed."
}

# check_protection: what is protected can't be purged, and half a purge helps nobody.
check_protection() {
    local protection=''
    [[ $PURGE && -z $DRY_RUN ]] || return 0
    if is_there firestore databases describe "--database=$DATABASE"; then
        protection=$(ask firestore databases describe "--database=$DATABASE" '--format=value(deleteProtectionState)')
    fi
    [[ $protection != DELETE_PROTECTION_ENABLED ]] || fail "The database is protected from deletion: the head of $0 says how to lift that. Nothing was changed."
}
