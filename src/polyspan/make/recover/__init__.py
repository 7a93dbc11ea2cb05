"""Finding an answer again in a context that was changed around it, such as by translation.

Gives: `distance`, `recover`. Its own: `nearby`.
"""

from polyspan.make.recover.recover import MAX_DISTANCE, MAX_RATIO, POLICIES, Span, find_span, fold, recover_answers

__all__ = ["MAX_DISTANCE", "MAX_RATIO", "POLICIES", "Span", "find_span", "fold", "recover_answers"]
