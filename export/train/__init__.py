"""Training: fusions of emotion channels and small classifiers on frozen features, measured and exported."""
