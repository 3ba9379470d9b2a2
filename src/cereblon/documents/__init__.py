"""What every kind of document shares: strict YAML, quantities with units, checked classes, problems with a place."""
