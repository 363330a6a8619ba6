"""Token counts, as the service reports them after each turn.

Rates from the Live API guides: audio 25 tokens a second, an image 258; text about 4 characters a
token. Every turn bills the whole context again, so the prompt of a turn is all that came before.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, TypeAlias

from .access import Platform
from .shapes import JsonObject

AUDIO_TOKENS_A_SECOND: Final = 25
IMAGE_TOKENS: Final = 258
CHARACTERS_A_TOKEN: Final = 4

Tokens: TypeAlias = Counter[str]  # modality -> tokens; "THOUGHT" for thoughts


def text_tokens(characters: int) -> int:
    """Return about how many tokens a text of so many characters has."""
    return -(-characters // CHARACTERS_A_TOKEN)


def audio_tokens(seconds: float) -> int:
    """Return how many tokens so many seconds of audio have."""
    return round(seconds * AUDIO_TOKENS_A_SECOND)


def usage_metadata(prompt: Tokens, response: Tokens, platform: Platform) -> JsonObject:
    """Return the `usageMetadata` of one turn.

    Args:
        prompt: the tokens of the whole context that was read.
        response: the tokens of the answer, thoughts included.
        platform: Vertex AI names the answer's counts differently.
    """
    spoken = Counter({name: count for name, count in response.items() if name != "THOUGHT"})
    answer = "candidates" if platform is Platform.VERTEX else "response"
    counts: dict[str, int] = {
        "promptTokenCount": prompt.total(),
        f"{answer}TokenCount": spoken.total(),
        "thoughtsTokenCount": response["THOUGHT"],
        "totalTokenCount": prompt.total() + response.total(),
    }
    usage: JsonObject = {name: count for name, count in counts.items() if count}
    for name, tokens in (("promptTokensDetails", prompt), (f"{answer}TokensDetails", spoken)):
        if details := _details(tokens):
            usage[name] = details
    if platform is Platform.VERTEX:
        usage["trafficType"] = "ON_DEMAND"
    return usage


def _details(tokens: Tokens) -> list[JsonObject]:
    return [
        {"modality": modality, "tokenCount": count}
        for modality, count in sorted(tokens.items())
        if count
    ]
