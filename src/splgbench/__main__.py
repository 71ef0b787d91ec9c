"""``python -m splgbench`` is the command line."""

import sys

from splgbench.cli import main

sys.exit(main())
