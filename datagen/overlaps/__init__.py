"""What `decontam` searches in a row, and what it tells of what it found."""
