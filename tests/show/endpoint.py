"""A webhook's endpoint as its owner writes one: it takes what the scheme's own package verifies, and refuses the rest."""

from __future__ import annotations

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.contract.adapters.scripted import Asked, Reply, ScriptedServer
from tests.show.outlet import Outlet


class VerifyingEndpoint(ScriptedServer):
    """Verifies each post with the webhook's secret; `refused` keeps the ids of those that are not signed with it."""

    def __init__(self, outlet: Outlet) -> None:
        super().__init__()
        self.refused: list[str] = []
        self._outlet = outlet

    def trust(self, secret: str) -> None:
        """Take posts that are signed with this secret from now on."""
        verifier = Webhook(secret)

        def verified(asked: Asked) -> Reply:
            try:
                verifier.verify(asked.body, dict(asked.headers))
            except WebhookVerificationError:
                self.refused.append(asked.headers.get("webhook-id", ""))
                return Reply(401)
            self._outlet.take(asked.body, "signature verified")
            return Reply(204)

        self.reply = verified
