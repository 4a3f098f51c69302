"""Stands for the Gemini API: `POST /v1beta/models/{model}:{method}`.

`generateContent`: the answer is made by rule (see `gemini_answer`), with `usageMetadata`,
`finishReason` and `modelVersion`; `maxOutputTokens` cuts it with MAX_TOKENS. `embedContent` and
`batchEmbedContents`: vectors by rule (see `gemini_embedding`), one for each content. Order of the
checks: path, key, model, body. Other paths, `v1` and streaming among them, are 404, and so is a
model asked for what it does not do.

Sources: ai.google.dev/api/generate-content (paths, GenerateContentResponse, FinishReason,
BlockReason), ai.google.dev/gemini-api/docs/api-key (`x-goog-api-key`, or `key` in the query).
"""

import hmac
import itertools
import re
from collections.abc import Sequence

from pydantic import JsonValue

from recado.devstack.standins import gemini_errors as errors
from recado.devstack.standins.calls import Call, Reply, Sketch
from recado.devstack.standins.config import GeminiConfig
from recado.devstack.standins.faults import Fault, FaultKind, Platform
from recado.devstack.standins.gemini_answer import cut, generate, tokens
from recado.devstack.standins.gemini_embed_request import (
    EmbedContentRequest,
    read_batch,
    read_one,
)
from recado.devstack.standins.gemini_embedding import FULL_SIZE, embed
from recado.devstack.standins.gemini_request import (
    GenerateContentRequest,
    InvalidRequest,
    read_request,
)

_GENERATE, _EMBED, _EMBED_BATCH = "generateContent", "embedContent", "batchEmbedContents"

_PATH = re.compile(r"/v1beta/models/(?P<model>[^/:]+):(?P<method>[A-Za-z]+)")


class Gemini:
    """The Gemini API's stand-in. `embedded_texts` counts the vectors that it gave."""

    platform = Platform.GEMINI

    def __init__(self, config: GeminiConfig) -> None:
        self._keys = [key.get_secret_value().encode() for key in config.api_keys]
        models, embedding_models = frozenset(config.models), frozenset(config.embedding_models)
        self._models = {_GENERATE: models, _EMBED: embedding_models, _EMBED_BATCH: embedding_models}
        self.embedded_texts = 0
        self.answer_time = config.answer_time
        self._responses = itertools.count(1)

    def sketch(self, call: Call) -> Sketch:
        """The key is in a header or in the query; neither is kept."""
        path = _PATH.fullmatch(call.path)
        return Sketch(path["method"] if path else "", call.path, call.body)

    def fault_reply(self, call: Call, fault: Fault) -> Reply:
        """429 with RetryInfo when rate limited, 5xx when broken."""
        if fault.kind is FaultKind.RATE_LIMITED:
            path = _PATH.fullmatch(call.path)
            model, method = (path["model"], path["method"]) if path else ("", "")
            return errors.quota_exceeded(fault.retry_after, model, method)
        return errors.broken(fault.status)

    def answer(self, call: Call, fault: Fault | None) -> Reply:
        """Check the call and generate, or embed."""
        path = _PATH.fullmatch(call.path)
        if path is None or call.method != "POST" or path["method"] not in self._models:
            return errors.error_reply(404, "Requested entity was not found.")
        given = call.headers.get("x-goog-api-key") or call.query.get("key")
        if not given:
            return errors.key_missing()
        if not any(hmac.compare_digest(given.encode(), key) for key in self._keys):
            return errors.key_invalid()
        model, method = path["model"], path["method"]
        if model not in self._models[method]:
            return errors.model_unknown(model, "v1beta", method)
        try:
            if method == _EMBED:
                (vector,) = self._embedded(read_one(call.body, model), model)
                return Reply(200, {"embedding": vector})
            if method == _EMBED_BATCH:
                return Reply(
                    200, {"embeddings": self._embedded(read_batch(call.body, model), model)}
                )
            return Reply(200, self._generated(read_request(call.body), model, fault))
        except InvalidRequest as invalid:
            return errors.error_reply(400, str(invalid))

    def reset(self) -> None:
        """Count anew."""
        self.embedded_texts = 0

    def _embedded(self, requests: Sequence[EmbedContentRequest], model: str) -> list[JsonValue]:
        self.embedded_texts += len(requests)
        return [
            {"values": list(embed(request.text, model, request.output_dimensionality or FULL_SIZE))}
            for request in requests
        ]

    def _generated(
        self, request: GenerateContentRequest, model: str, fault: Fault | None
    ) -> dict[str, JsonValue]:
        kind = fault.kind if fault is not None else None
        text, finish = generate(request), "STOP"
        most = request.generation_config.max_output_tokens
        if most is not None and tokens(text) > most:
            text, finish = cut(text, most), "MAX_TOKENS"
        candidate: dict[str, JsonValue] = {
            "content": {"role": "model", "parts": [{"text": text}]},
            "finishReason": finish,
            "index": 0,
        }
        response: dict[str, JsonValue] = {"candidates": [candidate]}
        match kind:
            case FaultKind.BLOCKED_PROMPT:
                text, response = "", {"promptFeedback": {"blockReason": "SAFETY"}}
            case FaultKind.EMPTY:
                text, response = "", {}
            case FaultKind.SAFETY:
                text = ""
                response = {"candidates": [{"finishReason": "SAFETY", "index": 0}]}
            case FaultKind.MAX_TOKENS:
                text = ""
                candidate["content"] = {"role": "model"}
                candidate["finishReason"] = "MAX_TOKENS"
            case _:
                pass
        return {
            **response,
            "usageMetadata": _usage(request, text),
            "modelVersion": model,
            "responseId": f"stand-in-{next(self._responses)}",
        }


def _usage(request: GenerateContentRequest, text: str) -> dict[str, JsonValue]:
    prompt = sum(tokens(content.text) for content in request.contents)
    if request.system_instruction is not None:
        prompt += tokens(request.system_instruction.text)
    usage: dict[str, JsonValue] = {
        "promptTokenCount": prompt,
        "totalTokenCount": prompt + tokens(text),
    }
    if text:
        usage["candidatesTokenCount"] = tokens(text)
    return usage
