"""How good a model is: samples of a benchmark's tasks, the programs that they make, and pass@k."""
