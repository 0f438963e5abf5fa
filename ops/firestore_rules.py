"""`python3 -m ops.firestore_rules PROJECT firestore.rules`: publish the rules, with an access token on standard input.

What Firebase's own tools call (firebase.google.com/docs/reference/rules/rest).
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError

from ops.google_call import GoogleApi, run

API = "https://firebaserules.googleapis.com/v1"


def publish_rules(api: GoogleApi, rules: str) -> str:
    """Store the rules and put them in force; returns the stored ruleset's name."""
    place = f"projects/{api.project}"
    source = {"source": {"files": [{"name": "firestore.rules", "content": rules}]}}
    ruleset: str = api.call("POST", f"{place}/rulesets", source)["name"]
    release = {"name": f"{place}/releases/cloud.firestore", "rulesetName": ruleset}
    try:
        api.call("PATCH", release["name"], {"release": release})
    except HTTPError as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        # The first ones of this database.
        error.close()
        api.call("POST", f"{place}/releases", release)
    return ruleset


def main(project: str, file: str, url: str = API) -> int:
    """Publish a file."""
    api = GoogleApi(url, project, sys.stdin.read().strip())
    rules = Path(file).read_text(encoding="utf-8")
    return run("Publishing the rules", lambda: f"In force: {publish_rules(api, rules)}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
