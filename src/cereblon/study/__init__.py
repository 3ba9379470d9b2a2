"""A trial simulated: plan, blocks of subjects, tables, visits, checkpoints, the record of a run."""
