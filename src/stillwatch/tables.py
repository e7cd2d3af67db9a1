"""Arrow schemas of every table that crosses a seam.

``EXCHANGES`` and ``ACCOUNTS`` are the public data contract. ``FINGERPRINTS`` is what is left of an exchange once its
text is gone: keys, counts, a small vector and classifier scores; nothing in it can be turned back into a prompt.
"""

from __future__ import annotations

import pyarrow as pa

_S, _I32, _I64, _F64 = pa.string(), pa.int32(), pa.int64(), pa.float64()
TIME = pa.timestamp("us", tz="UTC")

EXCHANGES = pa.schema(
    [
        pa.field("exchange_id", _S, nullable=False),
        pa.field("started_at", TIME, nullable=False),
        pa.field("platform", _S, nullable=False),
        pa.field("account_id", _S, nullable=False),
        ("key_id", _S),
        ("org_id", _S),
        ("end_user_id", _S),
        ("client_address", _S),
        ("client_asn", _I64),
        ("client_country", _S),
        ("client_network", _S),
        ("ja4", _S),
        ("header_signature", _S),
        ("user_agent", _S),
        ("operation", _S),
        pa.field("request_model", _S, nullable=False),
        ("conversation_id", _S),
        ("message_count", _I32),
        ("system_prompt", _S),
        ("prompt", _S),
        ("tool_names", pa.list_(_S)),
        ("image_count", _I32),
        ("max_tokens", _I64),
        ("temperature", _F64),
        ("top_p", _F64),
        ("stream", pa.bool_()),
        ("reasoning_effort", _S),
        ("response", _S),
        ("reasoning", _S),
        ("finish_reason", _S),
        ("input_tokens", _I64),
        ("output_tokens", _I64),
        ("reasoning_tokens", _I64),
        ("latency_ms", _I64),
        ("ttft_ms", _I64),
        ("status_code", _I32),
    ]
)

REQUIRED_EXCHANGE_COLUMNS = ("exchange_id", "started_at", "platform", "account_id", "request_model")

NETWORK_COLUMNS = (
    "client_address",
    "client_asn",
    "client_country",
    "client_network",
    "ja4",
    "header_signature",
    "user_agent",
)

ACCOUNTS = pa.schema(
    [
        pa.field("account_id", _S, nullable=False),
        pa.field("platform", _S, nullable=False),
        ("created_at", TIME),
        ("closed_at", TIME),
        ("email_domain", _S),
        ("email_token", _S),
        ("email_shape", _S),
        ("payment_token", _S),
        ("billing_country", _S),
        ("phone_country", _S),
        ("signup_address", _S),
        ("declared_org", _S),
        ("plan", _S),
        ("verification", _S),
    ]
)

_KEY = pa.uint64()
_WORD = pa.dictionary(pa.int32(), pa.string())
GIST_DIMENSIONS = 32
NEAR_BANDS = 4

# One row per accepted exchange. Keys are 64-bit hashes, null where the source had nothing.
FINGERPRINTS = pa.schema(
    [
        ("exchange_id", _S),
        ("account_key", _KEY),  # of (platform, account_id)
        ("at", TIME),
        ("platform", _WORD),
        ("account_id", _WORD),
        ("model", _WORD),
        ("credential_key", _KEY),
        ("org_key", _KEY),
        ("end_user_key", _KEY),
        ("address_key", _KEY),
        ("prefix_key", _KEY),  # IPv4 /24, IPv6 /48
        ("asn", _I64),
        ("country", _WORD),
        ("network", _WORD),
        ("stack_key", _KEY),  # of (ja4, header_signature), null only when both are
        ("agent_key", _KEY),  # of user_agent
        ("operation", _WORD),
        ("conversation_key", _KEY),
        ("message_count", _I32),
        ("system_key", _KEY),  # exact, after normalisation
        ("system_shape_key", _KEY),  # slots masked
        ("tools_key", _KEY),  # of the sorted set of tool names
        ("tool_count", _I32),
        ("image_count", _I32),
        ("max_tokens", _I64),
        ("temperature", pa.float32()),
        ("top_p", pa.float32()),
        ("stream", pa.bool_()),
        ("effort", _WORD),
        ("params_key", _KEY),  # of (max_tokens, temperature, top_p, stream, reasoning_effort); null when all are
        ("input_tokens", _I64),
        ("output_tokens", _I64),
        ("reasoning_tokens", _I64),
        ("latency_ms", _I64),
        ("status_code", _I32),
        ("finish", _WORD),
        # what is left of the prompt; all null when the prompt is
        ("prompt_chars", _I32),
        ("prompt_words", _I32),
        ("prompt_lines", _I32),
        ("text_key", _KEY),  # exact, after normalisation (case folded, white space collapsed)
        ("shape_key", _KEY),  # digits, quoted strings, URLs, code masked
        ("sentence_keys", pa.list_(_KEY)),  # up to 8: the first 4 and last 4 sentences of at least 4 words
        ("near_keys", pa.list_(pa.uint32(), NEAR_BANDS)),  # LSH bands of a MinHash over word 3-shingles
        ("gist", pa.list_(pa.int8(), GIST_DIMENSIONS)),  # rarity-weighted signed projection of words, scaled to 127
        ("starts_lower", pa.bool_()),
        ("ends_question", pa.bool_()),
        ("has_code", pa.bool_()),
        ("digit_share", pa.float32()),
        ("script", pa.uint8()),  # index into text.SCRIPTS of the dominant writing system
        # classifiers ("lexical" family): null when the prompt is
        ("capability", pa.int8()),  # index into model.CAPABILITIES
        ("capability_share", pa.float32()),
        ("elicitation_bits", pa.float32()),
        ("grading_bits", pa.float32()),
        ("rewriting_bits", pa.float32()),
        # what is left of the response; null when it is
        ("response_chars", _I32),
        ("response_lines", _I32),
        ("response_key", _KEY),
        ("response_has_code", pa.bool_()),
        ("reasoning_chars", _I32),
    ]
)

# DIR/accounts.parquet
ACCOUNT_SCORES = pa.schema(
    [
        ("platform", _S),
        ("account_id", _S),
        ("exchanges", _I64),
        ("campaign_id", _S),
        ("verdict", _S),
        ("probability", _F64),
        ("extraction_bits", _F64),
        ("coordination_bits", _F64),
    ]
)
