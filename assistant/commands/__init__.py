"""The commands of `assistant.cli`, one file each."""
