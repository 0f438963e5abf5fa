"""What a deployment's own functions find in their environment: the one place that knows its addresses and accounts."""

from __future__ import annotations

from ops.gcloud import ask_gcloud
from ops.target import Target, TargetError


def deployed_environment(target: Target) -> dict[str, str]:
    """Return the environment of the deployed `api`; raises TargetError where there is none, or it can't be looked at.

    With it, and with the credentials of whoever runs it (`gcloud auth application-default login`), the functions' own code works from here.
    """
    answer = ask_gcloud(target, "functions", "describe", "api", "--gen2", f"--region={target.region}")
    environment = answer.get("serviceConfig", {}).get("environmentVariables")
    if not environment:
        raise TargetError(f"The function api of {target.project} has no environment: is it deployed from here?")
    return {str(name): str(value) for name, value in environment.items()}


def api_address(environment: dict[str, str]) -> str:
    """Return the address of `api`: the first of the names that it answers for."""
    host = environment.get("ALLOWED_HOSTS", "").partition(",")[0]
    if not host:
        raise TargetError("The function api says no host that it answers for (ALLOWED_HOSTS): name its address with FANFARE_URL=….")
    return f"https://{host}"
