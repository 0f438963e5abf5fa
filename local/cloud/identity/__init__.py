"""Google's identity endpoints: OIDC tokens with their certificates, OAuth access tokens."""
