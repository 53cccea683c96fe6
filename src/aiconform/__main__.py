"""`python -m aiconform`."""

from aiconform.cli.main import main

main()
