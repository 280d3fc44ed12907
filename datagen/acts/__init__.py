"""What a recipe may do with its whole data set: one file each, a value called `ACT`."""
