"""`python -m sim` is `boardless`."""

from sim.cli import main

raise SystemExit(main())
