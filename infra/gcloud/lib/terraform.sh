# shellcheck shell=bash
# Terraform: its state in a bucket of the project, and how it is called.

t() { run terraform "-chdir=$ROOT/infra" "$@"; }

# The state names every resource and no key; its older versions are kept.
create_state_bucket() {
    step "The bucket of Terraform's state"
    STATE_BUCKET=${STATE_BUCKET:-$PROJECT-terraform}
    is_there storage buckets describe "gs://$STATE_BUCKET" ||
        g storage buckets create "gs://$STATE_BUCKET" "--location=$REGION" --uniform-bucket-level-access --public-access-prevention
    g storage buckets update "gs://$STATE_BUCKET" --versioning
}

start_terraform() {
    step "Terraform"
    t init -reconfigure -input=false "-backend-config=bucket=$STATE_BUCKET" "-backend-config=prefix=fanfare/$ENV"
    VARIABLES=("-var-file=env/$ENV.tfvars" "-var=project=$PROJECT" "-var=region=$REGION")
}

# in_state ADDRESS: whether Terraform looks after it already. A state that is not there yet is an empty one.
in_state() {
    local listed
    if listed=$(terraform "-chdir=$ROOT/infra" state list "$1" 2>&1); then
        [[ $listed ]]
    elif [[ $listed == *"No state file was found"* ]]; then
        return 1
    else
        fail "terraform state list failed: $listed"
    fi
}

# What an earlier destroy has kept is taken over: new keys would not open what the old ones have sealed.
adopt_kept() {
    [[ -z $DRY_RUN ]] || return 0
    if ! in_state google_firestore_database.this && is_there firestore databases describe "--database=$DATABASE"; then
        is_there secrets describe "$INDEX_KEY" || fail "The database $DATABASE is there and its keys are not: what it holds can't be opened. See docs/deployment.md."
        say "Taking over the database and the keys that are there."
        VARIABLES+=(-var=adopt_kept=true -var=create_keys=false)
    elif ! in_state google_secret_manager_secret_version.key && is_there secrets versions describe latest "--secret=$INDEX_KEY"; then
        VARIABLES+=(-var=create_keys=false)
    fi
}
