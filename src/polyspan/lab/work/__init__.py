"""The work of each kind of stage, loaded when the first stage of its kind runs: planning needs none of it.

Gives: `answers`, `corpus`, `loaded`. Its own: `asked_model`, `encoder`, `probe`, `reader`.
"""

from polyspan.lab.stage import Work

WORK: dict[str, Work] = {}
"""The functions that do the work, by kind, as far as they have been loaded."""


def work_of(kind: str) -> Work:
    """The function that does the work of a kind of stage."""
    if kind in ("corpus", "baseline"):
        from polyspan.lab.work.corpus import baseline, corpus

        WORK.update(corpus=corpus, baseline=baseline)
    elif kind in ("encoder", "map"):
        from polyspan.lab.work.encoder import encoder, fitted_map

        WORK.update(encoder=encoder, map=fitted_map)
    elif kind in ("train", "average", "predict"):
        from polyspan.lab.work.reader import averaged, predict, train

        WORK.update(train=train, average=averaged, predict=predict)
    elif kind == "probe":
        from polyspan.lab.work.probe import probe

        WORK.update(probe=probe)
    return WORK[kind]
