"""Request bodies of every API dialect → the content columns of one exchange.

OpenAI chat, responses and completions; Anthropic messages; Bedrock Converse and native bodies; Gemini; OpenTelemetry
message parts. They differ in names, not in kind, so one walk over messages and parts serves them all. Does not know
who sent a request, nor what came back (`replies`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

PartKind = Literal["text", "reasoning", "image", "document", "tool_call", "tool_result"]
Part = tuple[PartKind, str]

_SYSTEM_ROLES = ("system", "developer")
_MODEL_ROLES = ("assistant", "model", "ai")
_TEXT_TYPES = ("text", "input_text", "output_text", "refusal")
_IMAGE_TYPES = ("image", "image_url", "input_image", "video", "video_url", "input_video", "computer_screenshot")
_RESULT_TYPES = (
    "tool_result",
    "tool_call_response",
    "function_call_output",
    "computer_call_output",
    "custom_tool_call_output",
)
_CALL_TYPES = (
    "tool_use",
    "tool_call",
    "function_call",
    "server_tool_use",
    "server_tool_call",
    "computer_call",
    "custom_tool_call",
)


def as_dict(value: Any) -> dict[str, Any]:
    """A JSON object, also where it stands as text; anything else is an empty one."""
    value = unwrapped(value)
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """A JSON array, also where it stands as text; one object is a list of one; anything else is empty."""
    value = unwrapped(value)
    return value if isinstance(value, list) else [value] if isinstance(value, dict) and value else []


def unwrapped(value: Any) -> Any:
    """JSON that stands in a text (`metadata`, Azure `properties`, OTLP attributes) is decoded; other text stays."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return value
    return value


def text_of(value: Any) -> str:
    """A value as text: strings as they are, structures as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return msgspec.json.encode(value, enc_hook=str).decode("utf-8", "replace")


def parts_of(content: Any) -> Iterator[Part]:
    """The parts of a message's content, whatever the dialect."""
    if isinstance(content, str):
        yield "text", content
    elif isinstance(content, dict):
        yield from _part(content)
    elif isinstance(content, list):
        for item in content:
            yield from parts_of(item)


def _part(item: dict[str, Any]) -> Iterator[Part]:
    kind = item.get("type")
    if kind in _IMAGE_TYPES or _is_media(item):
        yield "image", ""
    elif kind in _RESULT_TYPES or "toolResult" in item or "function_response" in item or "functionResponse" in item:
        yield from _result(item)
    elif kind in _CALL_TYPES or "toolUse" in item or "function_call" in item or "functionCall" in item:
        yield "tool_call", _call_name(item)
    elif (
        kind in ("thinking", "reasoning", "redacted_thinking", "summary_text", "reasoning_text")
        or "reasoningContent" in item
    ):
        yield "reasoning", _reasoning(item)
    elif "document" in item or kind in ("document", "file", "input_file"):
        yield "document", ""
    elif kind in _TEXT_TYPES or "text" in item or isinstance(item.get("content"), str):
        text = next((item[key] for key in ("text", "content", "refusal") if isinstance(item.get(key), str)), "")
        yield ("reasoning" if item.get("thought") is True else "text"), text
    elif isinstance(item.get("content"), list | dict):
        yield from parts_of(item["content"])


def _is_media(item: dict[str, Any]) -> bool:
    if "image" in item or "video" in item:
        return True
    inline = next((item[key] for key in ("inline_data", "inlineData", "file_data", "fileData") if key in item), item)
    if not isinstance(inline, dict):
        return False
    mime = str(inline.get("mime_type") or inline.get("mimeType") or "")
    return mime.startswith(("image/", "video/")) or inline.get("modality") in ("image", "video")


def _result(item: dict[str, Any]) -> Iterator[Part]:
    inner = item.get("toolResult") or item.get("function_response") or item.get("functionResponse") or item
    if not isinstance(inner, dict):
        inner = item
    content = next((inner[key] for key in ("content", "response", "output") if inner.get(key) is not None), None)
    texts: list[str] = []
    if isinstance(content, list):
        for part_kind, text in parts_of(content):
            if part_kind == "image":
                yield "image", ""
            elif text:
                texts.append(text)
        texts += [text_of(item["json"]) for item in content if isinstance(item, dict) and "json" in item]
    elif content is not None:
        texts.append(text_of(content))
    yield "tool_result", "\n".join(texts)


def _call_name(item: dict[str, Any]) -> str:
    inner = next(
        (item[key] for key in ("toolUse", "function_call", "functionCall") if isinstance(item.get(key), dict)), item
    )
    return str(inner.get("name") or "")


def _reasoning(item: dict[str, Any]) -> str:
    inner = item.get("reasoningContent", item)
    if not isinstance(inner, dict):
        return text_of(inner)
    inner = inner.get("reasoningText", inner)
    if isinstance(inner, str):
        return inner
    found = (
        next((inner[key] for key in ("thinking", "text", "content", "summary") if inner.get(key)), "")
        if isinstance(inner, dict)
        else ""
    )
    if isinstance(found, list):
        return "\n".join(text for _, text in parts_of(found))
    return found if isinstance(found, str) else text_of(found)


def joined(parts: list[Part], kind: PartKind) -> str | None:
    """The texts of one kind of part, one to a line; None where there are none."""
    texts = [text for part_kind, text in parts if part_kind == kind and text]
    return "\n".join(texts) if texts else None


def content_of(messages: list[Any], system: Any = None) -> dict[str, Any]:
    """``system_prompt``, ``prompt``, ``message_count`` and ``image_count`` of a request's messages.

    The prompt is the last message that neither model nor operator wrote; where that holds tool results only, they
    are the prompt of an agent's turn.
    """
    systems = [text for kind, text in parts_of(system) if kind == "text" and text]
    prompt: str | None = None
    images = 0
    for message in messages:
        role, parts = _message(message)
        images += sum(kind == "image" for kind, _ in parts)
        if role in _SYSTEM_ROLES:
            systems += [text for kind, text in parts if kind == "text" and text]
        elif role not in _MODEL_ROLES:
            prompt = joined(parts, "text") or joined(parts, "tool_result")
    return {
        "system_prompt": "\n\n".join(systems) or None,
        "prompt": prompt,
        "message_count": len(messages) or None,
        "image_count": images,
    }


def _message(message: Any) -> tuple[str, list[Part]]:
    if not isinstance(message, dict):
        return "user", list(parts_of(message))
    kind = message.get("type")
    if kind in _RESULT_TYPES:
        return "tool", list(_result(message))
    if kind in _CALL_TYPES or kind == "reasoning":
        return "assistant", list(_part(message))
    role = str(message.get("role") or "user").lower()
    content = next((message[key] for key in ("content", "parts") if message.get(key) is not None), None)
    parts = list(parts_of(unwrapped(content) if isinstance(content, list) else content))
    if role in ("tool", "function"):
        return role, [("tool_result" if part_kind == "text" else part_kind, text) for part_kind, text in parts]
    return role, parts


def tool_names(body: dict[str, Any]) -> list[str] | None:
    """Names of the tools offered, in the order given (built-in tools by their type); None where no tools are named."""
    config = as_dict(body.get("toolConfig"))
    tools = as_list(body.get("tools")) or as_list(config.get("tools")) or as_list(body.get("functions"))
    names: list[str] = []
    for tool in tools:
        if not isinstance(tool, dict):
            continue
        declared = tool.get("function_declarations") or tool.get("functionDeclarations")
        if isinstance(declared, list):
            names += [str(item.get("name")) for item in declared if isinstance(item, dict) and item.get("name")]
            continue
        inner = next((tool[key] for key in ("function", "toolSpec") if isinstance(tool.get(key), dict)), tool)
        name = inner.get("name") or tool.get("type")
        if name:
            names.append(str(name))
    return names or None


def _first(places: list[dict[str, Any]], *names: str) -> Any:
    for place in places:
        for name in names:
            if place.get(name) is not None:
                return place[name]
    return None


def reasoning_effort(body: dict[str, Any]) -> str | None:
    """The effort as sent, or the thinking budget in digits; ``none`` where thinking was switched off."""
    extra = as_dict(body.get("additionalModelRequestFields"))
    generation = as_dict(body.get("generation_config") or body.get("generationConfig"))
    for place in (body, extra, generation):
        reasoning = place.get("reasoning")
        effort = place.get("reasoning_effort") or (reasoning if isinstance(reasoning, str) else None)
        effort = effort or as_dict(reasoning).get("effort") or as_dict(place.get("output_config")).get("effort")
        if effort:
            return str(effort)
        budget = as_dict(reasoning).get("max_tokens")
        thinking = as_dict(place.get("thinking") or place.get("thinking_config") or place.get("thinkingConfig"))
        if thinking.get("type") == "disabled":
            return "none"
        budget = (
            budget or thinking.get("budget_tokens") or thinking.get("thinking_budget") or thinking.get("thinkingBudget")
        )
        if budget is not None and not isinstance(budget, bool):
            return str(budget)
        if thinking.get("type") in ("adaptive", "enabled"):
            return str(thinking["type"])
    return None


def operation_of(body: dict[str, Any], path: str = "") -> str | None:
    """``chat``, ``responses``, ``messages`` or ``completion``, from the path where there is one, else from the body."""
    for marker, name in (
        ("/responses", "responses"),
        ("/messages", "messages"),
        ("chat/completions", "chat"),
        ("/completions", "completion"),
    ):
        if marker in path:
            return name
    if "input" in body and "messages" not in body:
        return "responses"
    if "anthropic_version" in body or ("messages" in body and "system" in body):
        return "messages"
    if "messages" in body or "contents" in body:
        return "chat"
    return "completion" if "prompt" in body or "inputText" in body else None


def request_fields(body: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Content, tool and parameter columns of one request body (None where the body does not say)."""
    inference = as_dict(body.get("inferenceConfig") or body.get("generation_config") or body.get("generationConfig"))
    inference = inference or as_dict(body.get("textGenerationConfig"))
    places = [body, inference]
    messages, system = _messages_of(body)
    conversation = body.get("conversation")
    end_user = body.get("safety_identifier") or body.get("user") or as_dict(body.get("metadata")).get("user_id")
    fields = content_of(messages, system) if messages or system else {}
    return {
        **fields,
        "operation": operation_of(body, path),
        "request_model": body.get("model") if isinstance(body.get("model"), str) else None,
        "end_user_id": end_user if isinstance(end_user, str) else None,
        "conversation_id": as_dict(conversation).get("id") or (conversation if isinstance(conversation, str) else None),
        "tool_names": tool_names(body),
        "max_tokens": _first(
            places, "max_completion_tokens", "max_output_tokens", "max_tokens", "maxTokens", "maxOutputTokens",
            "max_tokens_to_sample", "max_new_tokens", "max_gen_len", "maxTokenCount",
        ),
        "temperature": _first(places, "temperature"),
        "top_p": _first(places, "top_p", "topP"),
        "stream": body.get("stream") if isinstance(body.get("stream"), bool) else None,
        "reasoning_effort": reasoning_effort(body),
    }  # fmt: skip


def _messages_of(body: dict[str, Any]) -> tuple[list[Any], Any]:
    system = body.get("system") or body.get("instructions")
    gemini = as_dict(body.get("system_instruction") or body.get("systemInstruction"))
    system = system or gemini.get("parts")
    for name in ("messages", "contents"):
        if body.get(name) is not None:
            value = unwrapped(body[name])
            return (value if isinstance(value, list) else [value]), system
    given = next((body[name] for name in ("input", "prompt", "inputText") if body.get(name) is not None), None)
    if given is None:
        return [], system
    return (given if isinstance(given, list) else [given]), system
