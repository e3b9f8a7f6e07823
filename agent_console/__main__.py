"""`python -m agent_console`: the `warmline` command."""

from agent_console.cli import main

main()
