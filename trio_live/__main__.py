"""`python -m trio_live`: the same as the `trio-live` command."""

import sys

from trio_live.cli import main

if __name__ == "__main__":
    sys.exit(main())
