"""Stand-ins of the outside world: WhatsApp's Graph API, Telegram's Bot API and the Gemini API.

One process (`python -m recado.devstack.standins`), one port, three prefixes and a control API:

| prefix      | stands for                        | module      |
|-------------|-----------------------------------|-------------|
| `/graph`    | `https://graph.facebook.com`      | `whatsapp`  |
| `/telegram` | `https://api.telegram.org`        | `telegram`  |
| `/gemini`   | `https://generativelanguage…com`  | `gemini`    |
| `/control`  | what tests and `recado ask` use   | `control`   |

What is promised
    A request that one of the real platforms would refuse for one of the reasons below is refused
    here with that platform's status, code and error shape. Whatever is accepted is kept in the
    order of arrival, and so is every refusal with its reason, until the bounds of the record are
    reached (50,000 requests and 64 MiB of bodies by default; the oldest go first). Credentials are
    not kept. Each rule names its source in the module that has it, and has a test.

What is checked
    WhatsApp: path and version, bearer token, phone number id, JSON body, `messaging_product`,
    `type`, `text.body` of 1–4,096 characters, `to` or `recipient`, `biz_opaque_callback_data`,
    recipient known (131030), customer-service window (131047); read marks with typing indicator.
    A user id in `to` is accepted and dropped, as the real one does.
    Telegram: token, method, chat, blocked bot, migrated group, thread, text length after entities
    are parsed, entity types and bounds, balanced markup, reply parameters, `setWebhook`'s address
    and secret, chat actions.
    Gemini: API key, model, field names and types, roles, non-empty parts, `maxOutputTokens`.

What is not checked
    WhatsApp: throughput (80/s) and pair rate (a fault gives their errors on demand); types other
    than text are refused as unsupported though the real API takes them; whether a message that is
    marked as read or quoted exists, for the stand-in is not told what customers wrote.
    Telegram: flood limits (a fault gives them on demand); existence of quoted messages and callback
    queries; multipart forms; every method that Recado does not call is "Not Found"; markup is
    checked for balance and taken off, but its entities are not worked out.
    Gemini: streaming, embeddings, tools, cached content; token counts are a quarter of the
    characters; the answer is made by rule from the first source of the prompt.
    All: TLS, sender addresses, quotas and billing.
"""
