"""The Hugging Face Hub: what is read from it, and what is published there. Knows nothing of data sets."""
