"""The command line: one file a subcommand. Nothing imports it."""
