"""A client of the Gemini API over google-genai 3.4, for all who call that API.

What that library leaves to its caller is done here:

- It would bring its own HTTP client (httpx2, or aiohttp where that can be imported), so it is given
  one of httpx. It would take address, key and cloud from the environment, so all are given; so is
  the API's version, for without it the path is `/v1/`.
- Importing it takes over a second of CPU: `load` does, off the event loop.

It retries nothing: that is for the caller, who knows which of its errors may pass.

Needs the extra `gemini`.
"""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
from pydantic import SecretStr

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.models import AsyncModels

API_VERSION = "v1beta"


class GeminiClient:
    """The API's models by key and address. The HTTP client stays the caller's to close."""

    def __init__(
        self,
        api_key: SecretStr,
        *,
        base_url: str,
        attempt_timeout: timedelta,
        http: httpx.AsyncClient,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._attempt_timeout = attempt_timeout
        self._http = http
        self._client: Client | None = None
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        """Import the library now, off the event loop, so that no customer waits for it."""
        async with self._loading:
            if self._client is None:
                self._client = await asyncio.to_thread(self._connected)

    @property
    def models(self) -> "AsyncModels":
        """The library's own calls. Raises RuntimeError before `load`."""
        if self._client is None:
            raise RuntimeError("the client of the Gemini API is not loaded")
        return self._client.aio.models

    def _connected(self) -> "Client":
        from google.genai import Client, types

        return Client(
            vertexai=False,
            api_key=self._api_key.get_secret_value(),
            http_options=types.HttpOptions(
                base_url=self._base_url,
                api_version=API_VERSION,
                timeout=self._attempt_timeout // timedelta(milliseconds=1),
                httpx_async_client=self._http,
            ),
        )
