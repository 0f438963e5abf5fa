# shellcheck shell=bash
# Bringing what is stored to the form that the deployed code writes (docs/operations.md, "Migrations").

PYTHON=$ROOT/.venv/bin/python

# check_migrations: before anything is changed, whether it can be done at the end.
check_migrations() {
    [[ -z $DRY_RUN ]] || return 0
    [[ -x $PYTHON ]] || fail "The migrations need this checkout's Python environment: make setup"
    gcloud auth application-default print-access-token >/dev/null 2>&1 ||
        fail "No credentials for the migrations, which read and write Firestore: gcloud auth application-default login"
}

# Harmless when nothing is to be done. Old and new instances read both forms meanwhile.
migrate() {
    step "Migrations"
    run env "PROJECT=$PROJECT" "REGION=$REGION" "PYTHONPATH=$ROOT" "$PYTHON" -m ops.in_deployment -- "$PYTHON" -m ops.migrate
}
