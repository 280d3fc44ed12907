"""From ranked rows to a trained model: the glue between datagen's data and the package `train`."""
