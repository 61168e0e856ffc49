"""The command `nuclei`, a module per subcommand."""
