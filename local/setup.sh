#!/bin/sh
# Sets up what `make run` and `make test` need: the Python environment and the Node modules of this checkout.
# `setup.sh python` makes .venv, `setup.sh node` fills node_modules. What cannot be done is said in one sentence.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "$1" >&2
    exit 1
}

# A Python counts when it is new enough and can make environments that have pip (some distributions package that apart).
usable_python() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in python3.14 python3.13 python3.12 python3.11 python3 python; do
        if command -v "$candidate" >/dev/null 2>&1 && usable_python "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

set_up_python() {
    python=$(find_python) || fail "Python 3.11 or newer with its venv module is needed, and none was found on the PATH."
    if ! usable_python .venv/bin/python; then
        echo "Making the Python environment in .venv with $($python --version) …"
        "$python" -m venv --clear .venv || fail "The Python environment could not be made with $python -m venv."
    fi
    echo "Installing the Python packages (a minute or two the first time) …"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt ||
        fail "The Python packages could not be installed: see above."
    touch .venv/.installed
}

set_up_node() {
    wanted="Node 20 or newer with npm is needed"
    command -v node >/dev/null 2>&1 || fail "$wanted, and no node was found on the PATH."
    command -v npm >/dev/null 2>&1 || fail "$wanted, and no npm was found on the PATH."
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || fail "$wanted, and this one is $(node --version)."
    echo "Installing the Node modules (a minute the first time) …"
    npm ci --silent --no-fund --no-audit --no-update-notifier || fail "The Node modules could not be installed: run npm ci to see why."
    touch node_modules/.installed
}

case "${1:-}" in
python) set_up_python ;;
node) set_up_node ;;
*) fail "usage: local/setup.sh python|node" ;;
esac
