"""RRTF training in torch; knows nothing of the rest of datagen. The trainer is not part of this version."""
