"""The OpenAI chat-completion shapes that the demo endpoint speaks: bodies, stream chunks, errors, token counts."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from demo.models.reply import Reply, Request

Body = dict[str, Any]


class RequestError(ValueError):
    """The request body cannot be answered; the message says which field and why."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


def check_request(body: Any) -> Request:
    """The body of a chat-completion request if the models can read it; else RequestError."""
    if not isinstance(body, dict):
        raise RequestError("The body must be a JSON object.")
    if not isinstance(body.get("model"), str):
        raise RequestError("“model” must be a string.", "model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError("“messages” must be a list with at least one message.", "messages")
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise RequestError(f"messages[{place}] must be an object with a “role”.", "messages")
        if not _is_content(message.get("content")):
            raise RequestError(f"messages[{place}].content must be text, text parts or null.", "messages")
    if not all(_is_tool(tool) for tool in body.get("tools") or []):
        raise RequestError("“tools” must be a list of functions with names.", "tools")
    return body


def _is_content(content: Any) -> bool:
    if isinstance(content, list):
        return all(isinstance(part, dict) and isinstance(part.get("text", ""), str) for part in content)
    return content is None or isinstance(content, str)


def _is_tool(tool: Any) -> bool:
    function = tool.get("function") if isinstance(tool, dict) else None
    return isinstance(function, dict) and isinstance(function.get("name"), str)


def count_tokens(text: str) -> int:
    """About as many tokens as usual tokenizers make: a word costs one for each five letters begun, a sign one."""
    return sum(-(-len(piece) // 5) for piece in re.findall(r"\w+|[^\w\s]", text))


def count_prompt_tokens(request: Request) -> int:
    """Tokens of all messages and tools, four more for each message, as providers bill them."""
    texts = [json.dumps(message.get("content"), ensure_ascii=False) for message in request["messages"]]
    texts += [
        json.dumps(part, ensure_ascii=False)
        for message in request["messages"]
        for part in message.get("tool_calls") or ()
    ]
    texts += [json.dumps(tool, ensure_ascii=False) for tool in request.get("tools") or ()]
    return sum(count_tokens(text) for text in texts) + 4 * len(request["messages"])


def usage_of(request: Request, reply: Reply) -> Body:
    """The usage object: tokens of the prompt, of the completion, and both."""
    prompt = count_prompt_tokens(request)
    completion = count_tokens(reply.text) + sum(count_tokens(call.name + call.arguments) for call in reply.tool_calls)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def answer_id(request: Request) -> str:
    """An id that is the same for the same model and prompt, since the answer is too."""
    asked = json.dumps([request["model"], request["messages"], request.get("tools")])
    return "chatcmpl-" + hashlib.sha256(asked.encode()).hexdigest()[:24]


def whole_completion(request: Request, reply: Reply, created: int) -> Body:
    """The body of an answer that is not streamed; ``created`` in Unix seconds."""
    message: Body = {"role": "assistant", "content": reply.text or None}
    if reply.tool_calls:
        message["tool_calls"] = _tool_calls(request, reply)
    return {
        "id": answer_id(request),
        "object": "chat.completion",
        "created": created,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(reply)}],
        "usage": usage_of(request, reply),
    }


def stream_chunks(request: Request, reply: Reply, created: int) -> Iterator[Body]:
    """The same answer in pieces: the role, a few words each, then the finish reason, then the usage if asked for."""
    wants_usage = bool((request.get("stream_options") or {}).get("include_usage"))

    def chunk(choices: list[Body], usage: Body | None = None) -> Body:
        body = {
            "id": answer_id(request),
            "object": "chat.completion.chunk",
            "created": created,
            "model": request["model"],
            "choices": choices,
        }
        return {**body, "usage": usage} if wants_usage else body

    def choice(delta: Body, finish: str | None = None) -> list[Body]:
        return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]

    for delta in _deltas(request, reply):
        yield chunk(choice(delta))
    yield chunk(choice({}, _finish_reason(reply)))
    if wants_usage:
        yield chunk([], usage_of(request, reply))


def _deltas(request: Request, reply: Reply) -> Iterator[Body]:
    yield {"role": "assistant", "content": "" if reply.text else None}
    for piece in _pieces(reply.text):
        yield {"content": piece}
    for index, call in enumerate(_tool_calls(request, reply)):
        function = call["function"]
        yield {"tool_calls": [{**call, "index": index, "function": {"name": function["name"], "arguments": ""}}]}
        for piece in _pieces(function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _pieces(text: str, size: int = 24) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _tool_calls(request: Request, reply: Reply) -> list[Body]:
    stem = answer_id(request)[-12:]
    return [
        {
            "id": f"call_{stem}{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for index, call in enumerate(reply.tool_calls)
    ]


def _finish_reason(reply: Reply) -> str:
    return "tool_calls" if reply.tool_calls else "stop"


def error_body(message: str, kind: str, code: str | None = None, param: str | None = None) -> Body:
    """An error as OpenAI sends it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
