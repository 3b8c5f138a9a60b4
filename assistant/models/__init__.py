"""The model store: manifests (`models/<name>/model.toml`), sources, verification."""
