"""`python -m cli` is `stowage`, for a checkout that is not installed."""

from cli.app import main

main()
