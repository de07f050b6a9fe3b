"""The console command's own subcommands, one module each."""
