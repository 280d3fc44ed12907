"""Rows, and where they lie: dataset directories, manifests, cards, inputs."""
