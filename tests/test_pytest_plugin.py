"""The fixtures that pytest finds by itself."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


def test_plugin_ends_a_test_that_waits_for_what_never_comes(pytester: pytest.Pytester) -> None:
    """A forgotten `break` fails at once in real time; virtual time does not pass for ever."""
    pytester.makeini("[pytest]\ntrio_mode = true\n")
    pytester.makepyfile(
        """
        async def test_forgets_to_break(live_session):
            async for event in live_session:
                pass
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=60)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*TooSlowError*"])
