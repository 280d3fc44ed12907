"""Model calls: each paid once, within limits and budget, results in order."""
