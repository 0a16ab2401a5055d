"""Write the variants of the exam problems that the site reads.

python tools/problems.py            write book/_static/problems/P-*.js
python tools/problems.py --check    say which of them are stale; exit 1 if any is
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gm_utils.exam.export import stale
from gm_utils.exam.problem import problems


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the variants of the exam problems.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    check = parser.parse_args().check
    found = problems()
    names = stale(found.values(), write=not check)
    for name in names:
        print(f"{'stale' if check else 'written'}: {name}")
    print(f"{len(found)} problems, {len(names)} files {'stale: run `make problems`' if check else 'changed'}")
    return 1 if check and names else 0


if __name__ == "__main__":
    sys.exit(main())
