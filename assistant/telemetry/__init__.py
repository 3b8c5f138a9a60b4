"""What a run is seen to do: events on file, the conversation on the terminal, reports. Observers, never in the path."""
