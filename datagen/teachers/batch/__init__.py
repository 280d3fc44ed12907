"""OpenAI's Batch API: another way to the same servers."""
