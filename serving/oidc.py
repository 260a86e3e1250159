"""People who come with a token of the platform's own identity provider (OpenID Connect).

The provider says who somebody is; what they may do here is their roles in the store.
"""

from functools import cached_property

import httpx
import jwt

from labels.errors import InputError

_ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA")
_TIMEOUT_SECONDS = 10.0


class OidcVerifier:
    """Reads tokens of one provider, meant for one audience; its keys are fetched when needed."""

    def __init__(self, issuer: str, audience: str, claim: str) -> None:
        """Trust tokens of ``issuer`` for ``audience``; ``claim`` names the user."""
        self._issuer, self._audience, self._claim = issuer, audience, claim

    def user_id(self, token: str) -> str | None:
        """Whom a token names; None if it is forged, over, or meant for somebody else."""
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token,
                key.key,
                algorithms=_ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "iss", "aud", self._claim]},
            )
        except jwt.PyJWTError:
            return None
        named = claims[self._claim]
        return named if isinstance(named, str) else None

    @cached_property
    def _keys(self) -> jwt.PyJWKClient:
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = httpx.get(address, timeout=_TIMEOUT_SECONDS).raise_for_status().json()
            return jwt.PyJWKClient(found["jwks_uri"], timeout=_TIMEOUT_SECONDS)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise InputError(f"--oidc-issuer {self._issuer}: {address}: {error}") from None
