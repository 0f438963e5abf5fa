"""`make first-tenant`: the platform's client of a deployment, and with CREDENTIAL=service-account.json its first tenant and that tenant's client.

The platform's client is the only thing that nobody can ask the API for. It is written into the database with the credentials of whoever runs this
(`gcloud auth application-default login`; the roles Cloud Datastore User and Secret Manager Secret Accessor); everything else goes over the API.
Tokens are printed once, and stored nowhere. Where FANFARE_PLATFORM_CLIENT_ID and FANFARE_PLATFORM_CLIENT_TOKEN are set, that client is used.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import requests
from google.auth.exceptions import GoogleAuthError

from ops.deployed import api_address, deployed_environment
from ops.target import TargetError, find_target

sys.path.append(str(Path(__file__).resolve().parent.parent / "functions"))

from fanfare.config import Settings
from fanfare.domain.client import TENANT_SCOPES, Client, Scope
from fanfare.domain.errors import FanfareError
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.ports import Deps
from fanfare.services.provision import NewClient, create_client
from fanfare.wiring import build_deps

_MOST = 200
_SECONDS = 60.0


class Api(Protocol):
    """The public API as one client sees it."""

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post below /api/v1 and return what was made; raises TargetError with the API's word."""
        ...


class DeployedApi:
    """The public API over HTTPS."""

    def __init__(self, url: str, client_id: str, token: str) -> None:
        self._base = f"{url.rstrip('/')}/api/v1"
        self._headers = {"Client-ID": client_id, "Client-Token": token}

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post below /api/v1 and return what was made; raises TargetError with the API's word."""
        try:
            answer = requests.post(f"{self._base}{path}", json=body, headers=self._headers, timeout=_SECONDS)
            content: dict[str, Any] = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise TargetError(f"The API at {self._base} did not answer: {type(error).__name__}.") from error
        if not answer.ok:
            raise TargetError(f"POST {path} was refused: {content.get('code')}: {content.get('detail')}")
        return content


def make_platform_client(deps: Deps, *, again: bool) -> tuple[Client, str]:
    """Store the platform's client and return it with its token; raises TargetError where there is one, unless another is asked for."""
    there = [client.id for client in deps.clients.list(PLATFORM_TENANT, _MOST, None).items if client.revoked_at is None]
    if there and not again:
        raise TargetError(
            f"The platform has a client: {', '.join(there)}. If its token is lost, AGAIN=1 makes another one; revoke the first with it."
        )
    return create_client(deps, NewClient(PLATFORM_TENANT, "Platform", (Scope.PLATFORM,)))


def make_tenant(platform: Api, name: str, credential: Mapping[str, Any]) -> dict[str, str]:
    """Make a tenant with its credential and a client of it that may do everything there; returns what an app's backend has to know."""
    tenant = platform.post("/apps", {"name": name, "credential": credential})
    client = platform.post(f"/apps/{tenant['id']}/clients", {"name": f"{name}: first client", "scopes": sorted(TENANT_SCOPES)})
    return {"FANFARE_APP": tenant["id"], "FANFARE_CLIENT_ID": client["id"], "FANFARE_CLIENT_TOKEN": client["token"]}


def read_credential(path: str) -> dict[str, Any]:
    """Read a service account's file; raises TargetError, never with what it holds."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TargetError(f"CREDENTIAL={path} can't be read as JSON ({type(error).__name__}).") from None
    if not isinstance(content, dict) or content.get("type") != "service_account":
        raise TargetError(f"CREDENTIAL={path} is not a service account's file (its type is not service_account).")
    return content


def _make(environment: Mapping[str, str]) -> None:
    credential = read_credential(environment["CREDENTIAL"]) if environment.get("CREDENTIAL") else None
    deployed = deployed_environment(find_target(environment))
    url = environment.get("FANFARE_URL") or api_address(deployed)
    client_id, token = environment.get("FANFARE_PLATFORM_CLIENT_ID"), environment.get("FANFARE_PLATFORM_CLIENT_TOKEN")
    if not (client_id and token):
        client, token = make_platform_client(build_deps(Settings.from_env(deployed)), again=environment.get("AGAIN") == "1")
        client_id = client.id
        print("The platform's client. Its token is shown here and nowhere else:\n")
        _show({"FANFARE_URL": url, "FANFARE_PLATFORM_CLIENT_ID": client_id, "FANFARE_PLATFORM_CLIENT_TOKEN": token})
    if credential is not None:
        made = make_tenant(DeployedApi(url, client_id, token), environment.get("NAME") or "First app", credential)
        print("\nThe first tenant and its client:\n")
        _show({"FANFARE_URL": url, **made})


def _show(values: Mapping[str, str]) -> None:
    for name, value in values.items():
        print(f"{name}={value}")


def main() -> int:
    """Make what is asked for; 1 with a sentence where that can't be."""
    try:
        _make(os.environ)
    except TargetError as error:
        print(error, file=sys.stderr)
        return 1
    except FanfareError as error:
        print(f"It can't be made: {error}", file=sys.stderr)
        return 1
    except GoogleAuthError as error:
        print(f"Google does not know who runs this ({error}): gcloud auth application-default login", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
