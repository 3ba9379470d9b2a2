"""What the model rests on: claims as experiments, the mechanism graph, the provenance of every number."""
