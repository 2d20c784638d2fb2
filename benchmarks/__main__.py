"""``make bench``: every figure beside a yardstick of the same run, since the machine is shared and noisy.

``make bench ENGINE=emulators`` measures the cloud engine on the official emulators instead.
"""

from __future__ import annotations

import os
import sys

from benchmarks import growth, inquiries, registration, whole_way


def main() -> int:
    if os.environ.get("ENGINE", "embedded") == "emulators":
        from benchmarks import emulators

        emulators.report()
        return 0
    registration.report()
    whole_way.report()
    inquiries.report()
    growth.report()
    return 0


if __name__ == "__main__":
    sys.exit(main())
