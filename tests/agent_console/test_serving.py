"""What serving asks of the machine."""

from __future__ import annotations

import resource

from agent_console.serving import MOST_FILES, allow_many_files


def test_a_server_may_open_as_many_files_as_the_machine_allows() -> None:
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before), most))
        allow_many_files()
        found = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert found == (MOST_FILES if most == resource.RLIM_INFINITY else min(most, MOST_FILES), most)
        allow_many_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == found
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))
