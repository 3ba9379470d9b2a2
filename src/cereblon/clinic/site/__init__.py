"""What a site does: measure, grade, hold, reduce, escalate, support; compiled into the cycle."""
