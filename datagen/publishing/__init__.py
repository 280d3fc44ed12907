"""A data set as a repository of the Hub: its views, its card, its licence, and the way there."""
