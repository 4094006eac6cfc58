"""Field failures: record a run, replay it, shrink it, pin it with a test; read what devices leave."""
