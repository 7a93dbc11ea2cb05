"""What the package asks of a machine."""

import subprocess
import sys


def test_statistics_need_no_torch():
    code = (
        "import sys, polyspan.stats, polyspan.paper\n"
        "from polyspan.paper import factors, judge, printed\n"
        "from polyspan.stats import analyse\n"
        "judge(printed()), analyse(printed().rows('table2'), factors(), draws=10)\n"
        "print([name for name in ('torch', 'transformers', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
