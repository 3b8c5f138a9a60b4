"""What a bundle says about writing text with its network."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Token = Annotated[int, Field(ge=0)]


class GenerationRules(BaseModel):
    """How a decoder is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    prompt: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Tokens that every text begins with; they are not part of the result."""
    end: Annotated[tuple[Token, ...], Field(min_length=1)]
    """Tokens after which nothing comes."""
    never: tuple[Token, ...] = ()
    """Tokens that are not written."""
    never_first: tuple[Token, ...] = ()
    """Tokens that a text does not begin with."""
    max_tokens: Annotated[int, Field(ge=2)]
    """Most tokens with the prompt: the room in the cache."""
    encoder: str = ""
    """The recipe of the encoder whose keys and values the decoder looks up; its bundle lies beside the decoder's."""
