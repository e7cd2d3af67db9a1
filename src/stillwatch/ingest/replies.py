"""What came back: response bodies and streams of every API dialect → text, reasoning, tool calls and usage.

A stream is put together again before anything else looks at it. Knows Server-Sent Events, arrays of chunks (Bedrock
ends them with the text ``[DONE]``) and whole bodies. Unknown is None; a zero is only a zero where the source counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from stillwatch.ingest.messages import as_dict, as_list, joined, parts_of, text_of, unwrapped


class Reply:
    """One reply, growing while its chunks come in."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self.tool_calls: dict[Any, dict[str, str]] = {}
        self.finish_reason: str | None = None
        self.model: str | None = None
        self.response_id: str | None = None
        self.created: Any = None
        self.usage: dict[str, int] = {}
        self.guardrail = False

    @property
    def text(self) -> str | None:
        return "".join(self._text) or None

    @property
    def reasoning(self) -> str | None:
        return "".join(self._reasoning) or None

    def fields(self) -> dict[str, Any]:
        """The columns a reply fills."""
        return {
            "response": self.text,
            "reasoning": self.reasoning,
            "finish_reason": self.finish_reason,
            "input_tokens": self.usage.get("input"),
            "output_tokens": self.usage.get("output"),
            "reasoning_tokens": self.usage.get("reasoning"),
        }

    def add(self, chunk: Any) -> None:
        """Takes one chunk of a stream, or a whole body (which is a stream of one). Unknown shapes are passed over."""
        if not isinstance(chunk, dict):
            return
        if "amazon-bedrock-guardrailAction" in chunk:
            self.guardrail |= chunk["amazon-bedrock-guardrailAction"] == "INTERVENED"
        for name in ("id", "responseId", "response_id"):
            if self.response_id is None and isinstance(chunk.get(name), str):
                self.response_id = chunk[name]
        if isinstance(chunk.get("model") or chunk.get("model_version"), str):
            self.model = self.model or chunk.get("model") or chunk.get("model_version")
        self.created = self.created or chunk.get("created") or chunk.get("created_at")
        self._take_usage(chunk.get("usage") or chunk.get("usage_metadata") or chunk.get("usageMetadata"))
        kind = chunk.get("type")
        if isinstance(kind, str) and kind.startswith("response."):
            self._responses_event(kind, chunk)
        elif kind in ("message_start", "content_block_start", "content_block_delta", "message_delta"):
            self._anthropic_event(kind, chunk)
        elif (
            any(name in chunk for name in ("contentBlockDelta", "contentBlockStart", "messageStop", "metadata"))
            and "output" not in chunk
        ):
            self._converse_event(chunk)
        else:
            self._body(chunk)

    def _body(self, body: dict[str, Any]) -> None:
        choices = body.get("choices")
        if isinstance(choices, list) and choices:
            first = next((item for item in choices if isinstance(item, dict) and not item.get("index")), None)
            self._choice(as_dict(first))
        candidates = body.get("candidates")
        if isinstance(candidates, list) and candidates:
            self._finished(as_dict(candidates[0]).get("finish_reason") or as_dict(candidates[0]).get("finishReason"))
            self._content(as_dict(as_dict(candidates[0]).get("content")).get("parts"))
        output = body.get("output")
        if isinstance(output, dict):
            self._content(as_dict(output.get("message")).get("content"))
        elif isinstance(output, list):
            for item in output:
                self._output_item(as_dict(item))
            self._finished(as_dict(body.get("incomplete_details")).get("reason") or body.get("status"))
        if isinstance(body.get("content"), str | list):
            self._content(body["content"])
        for name in ("completion", "generation", "outputText"):
            if isinstance(body.get(name), str):
                self._text.append(body[name])
        results = body.get("results")
        if isinstance(results, list) and results:
            self._text.append(str(as_dict(results[0]).get("outputText") or ""))
            self._finished(as_dict(results[0]).get("completionReason"))
        self._finished(body.get("stop_reason") or body.get("stopReason"))

    def _choice(self, choice: dict[str, Any]) -> None:
        for message in (as_dict(choice.get("message")), as_dict(choice.get("delta"))):
            for name in ("reasoning_content", "reasoning"):
                if isinstance(message.get(name), str):
                    self._reasoning.append(message[name])
                    break
            self._content(message.get("content"))
            self._calls(message.get("tool_calls"))
        if isinstance(choice.get("text"), str):
            self._text.append(choice["text"])
        self._finished(choice.get("finish_reason"))

    def _calls(self, calls: Any) -> None:
        for position, call in enumerate(calls if isinstance(calls, list) else ()):
            made = as_dict(call)
            function = as_dict(made.get("function"))
            self._call(made.get("index", position), function.get("name"), function.get("arguments"))

    def _call(self, key: Any, name: Any, arguments: Any) -> None:
        known = self.tool_calls.setdefault(str(key), {"name": "", "arguments": ""})
        known["name"] += name if isinstance(name, str) else ""
        known["arguments"] += text_of(arguments)

    def _content(self, content: Any) -> None:
        for position, (kind, text) in enumerate(parts_of(content)):
            if kind == "text":
                self._text.append(text)
            elif kind == "reasoning":
                self._reasoning.append(text)
            elif kind == "tool_call":
                self._call(f"part {position}", text, None)

    def _output_item(self, item: dict[str, Any]) -> None:
        if item.get("type") == "function_call":
            self._call(item.get("call_id"), item.get("name"), item.get("arguments"))
        elif item.get("type") == "reasoning":
            self._reasoning.append(joined(list(parts_of(item)), "reasoning") or "")
        else:
            self._content(item.get("content"))

    def _responses_event(self, kind: str, event: dict[str, Any]) -> None:
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            body = as_dict(event.get("response"))
            already = (list(self._text), list(self._reasoning), dict(self.tool_calls))
            self._text, self._reasoning, self.tool_calls = [], [], {}
            self.add(body)
            if not self._text and not self._reasoning and not self.tool_calls:
                self._text, self._reasoning, self.tool_calls = already
        elif isinstance(event.get("delta"), str):
            if kind in ("response.output_text.delta", "response.refusal.delta"):
                self._text.append(event["delta"])
            elif "reasoning" in kind:
                self._reasoning.append(event["delta"])
            elif "arguments" in kind:
                self._call(event.get("item_id"), None, event["delta"])

    def _anthropic_event(self, kind: str, event: dict[str, Any]) -> None:
        if kind == "message_start":
            self.add(as_dict(event.get("message")))
        elif kind == "content_block_start":
            block = as_dict(event.get("content_block"))
            if block.get("type") in ("tool_use", "server_tool_use"):
                self._call(event.get("index"), block.get("name"), None)
            else:
                self._content(block)
        elif kind == "content_block_delta":
            delta = as_dict(event.get("delta"))
            if isinstance(delta.get("text"), str):
                self._text.append(delta["text"])
            if isinstance(delta.get("thinking"), str):
                self._reasoning.append(delta["thinking"])
            if isinstance(delta.get("partial_json"), str):
                self._call(event.get("index"), None, delta["partial_json"])
        else:
            self._finished(as_dict(event.get("delta")).get("stop_reason"))

    def _converse_event(self, event: dict[str, Any]) -> None:
        start = as_dict(as_dict(as_dict(event.get("contentBlockStart")).get("start")).get("toolUse"))
        block = as_dict(event.get("contentBlockDelta"))
        delta = as_dict(block.get("delta"))
        if start:
            self._call(as_dict(event["contentBlockStart"]).get("contentBlockIndex"), start.get("name"), None)
        if isinstance(delta.get("text"), str):
            self._text.append(delta["text"])
        if isinstance(as_dict(delta.get("reasoningContent")).get("text"), str):
            self._reasoning.append(delta["reasoningContent"]["text"])
        if isinstance(as_dict(delta.get("toolUse")).get("input"), str):
            self._call(block.get("contentBlockIndex"), None, delta["toolUse"]["input"])
        self._finished(as_dict(event.get("messageStop")).get("stopReason"))
        self._take_usage(as_dict(event.get("metadata")).get("usage"))

    def _finished(self, reason: Any) -> None:
        if isinstance(reason, dict):
            reason = reason.get("type")
        if isinstance(reason, str) and reason:
            self.finish_reason = reason

    def _take_usage(self, usage: Any) -> None:
        usage = as_dict(usage)
        thoughts = _count(usage, "thoughts_token_count", "thoughtsTokenCount")
        details = as_dict(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
        found = {
            "input": _count(
                usage, "prompt_tokens", "input_tokens", "inputTokens", "prompt_token_count", "promptTokenCount"
            ),
            "output": _count(
                usage,
                "completion_tokens",
                "output_tokens",
                "outputTokens",
                "candidates_token_count",
                "candidatesTokenCount",
            ),
            "reasoning": thoughts if thoughts is not None else _count(details, "reasoning_tokens", "thinking_tokens"),
        }
        if thoughts is not None and found["output"] is not None:
            found["output"] += thoughts  # Gemini counts thoughts beside the output, everyone else within it
        self.usage.update({name: count for name, count in found.items() if count is not None})


def _count(usage: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = usage.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


class SseParser:
    """Bytes of an event stream, cut anywhere, → the JSON of each event. Order and cuts do not matter to the result."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, block: bytes) -> list[Any]:
        """Events completed by this block (``[DONE]`` and what is no JSON are left out)."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        return [event for line in lines for event in self._line(line.rstrip(b"\r"))]

    def finish(self) -> list[Any]:
        """The event the stream broke off in, if its data was whole."""
        last = [*self._line(self._rest.rstrip(b"\r")), *self._line(b"")]
        self._rest = b""
        return last

    def _line(self, line: bytes) -> list[Any]:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            return []
        if line or not self._data:
            return []
        data, self._data = b"\n".join(self._data), []
        try:
            return [msgspec.json.decode(data)]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []


def events_of(stream: Any) -> list[Any]:
    """Events of a recorded stream: text, bytes, a list of such cut anywhere, or a list of decoded chunks."""
    if isinstance(stream, str | bytes):
        stream = [stream]
    if not isinstance(stream, list):
        return []
    if all(isinstance(item, str | bytes) for item in stream):
        if any(_blob(item).lstrip().startswith((b"data:", b"event:", b":")) for item in stream[:3]) or not stream:
            parser = SseParser()
            events = [event for item in stream for event in parser.feed(_blob(item))]
            return events + parser.finish()
        return [event for event in (unwrapped(item) for item in stream) if isinstance(event, dict)]
    return [
        unwrapped(item.get("data", item) if isinstance(item, dict) and "event" in item else item) for item in stream
    ]


def _blob(item: str | bytes) -> bytes:
    return item.encode("utf-8", "replace") if isinstance(item, str) else item


def reply_of(body: Any) -> Reply:
    """A reply from a whole body, an array of chunks, or the text of either or of an event stream."""
    reply = Reply()
    given = unwrapped(body)
    chunks: Iterable[Any]
    if isinstance(given, dict):
        chunks = [given]
    elif isinstance(given, list | str | bytes):
        chunks = events_of(given)
    else:
        chunks = []
    for chunk in chunks:
        reply.add(chunk)
    return reply


def replied_texts(messages: Any) -> Reply:
    """A reply given as messages (OpenTelemetry output messages, Azure ResponseMessages)."""
    reply = Reply()
    for message in map(as_dict, as_list(messages)):
        reply.add(
            {
                "content": message.get("parts") or message.get("content") or "",
                "stop_reason": message.get("finish_reason"),
            }
        )
    return reply
