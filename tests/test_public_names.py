"""What `import trio_live` gives, and under which name."""

from __future__ import annotations

import typing
from types import FunctionType

import msgspec
import pytest

import trio_live


def test_public_names_are_all_there_once() -> None:
    """`__all__` names what exists, each thing once."""
    assert len(set(trio_live.__all__)) == len(trio_live.__all__)
    assert [name for name in trio_live.__all__ if not hasattr(trio_live, name)] == []


@pytest.mark.parametrize("name", trio_live.__all__)
def test_public_name_says_where_it_is_imported_from(name: str) -> None:
    """Tracebacks name functions, classes and errors as users import them."""
    public = getattr(trio_live, name)
    if isinstance(public, FunctionType) or (
        isinstance(public, type) and not issubclass(public, msgspec.Struct)
    ):
        assert public.__module__ == "trio_live"


@pytest.mark.parametrize("name", trio_live.__all__)
def test_public_struct_can_be_decoded_by_users(name: str) -> None:
    """The annotations of every struct resolve, so users can put them into types of their own."""
    public = getattr(trio_live, name)
    if isinstance(public, type) and issubclass(public, msgspec.Struct):
        assert set(typing.get_type_hints(public)) >= set(public.__struct_fields__)
        msgspec.structs.fields(public)
