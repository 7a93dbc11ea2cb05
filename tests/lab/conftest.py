"""A kind of stage that takes no time: what is tested with it is the lab's own."""

import json

from polyspan.lab.stage import KINDS, Kind
from polyspan.lab.work import WORK


def nothing(options, inputs, out):
    """Write the options."""
    (out / "nothing.json").write_text(json.dumps(dict(options)), "utf-8")


KINDS["nothing"], WORK["nothing"] = Kind(), nothing
