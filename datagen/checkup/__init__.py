"""What `datagen doctor` looks at. A check is a function that returns one finding; no check costs money."""
