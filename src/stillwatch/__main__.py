"""``python -m stillwatch``."""

from __future__ import annotations

import sys

from stillwatch.cli.app import main

sys.exit(main())
