"""A plan as JSON: for a report where the data are not at hand that planning the recipe anew would look at."""

from collections.abc import Mapping
from typing import Any

from polyspan.lab.plan.plan import Checkpoint, Plan, PlannedCell, PlannedProbe
from polyspan.lab.recipe.recipe import Recipe
from polyspan.lab.stage import Stage


def written_plan(asked: Recipe, plan: Plan, command: str) -> dict[str, Any]:
    """The plan of a recipe, and the command that runs it. Stages are told by their keys; what would stand beside a
    cell and is not made, as of a test that only chooses a checkpoint, is left out."""
    cells = list(plan.cells)
    made = {stage.key for stage in plan.stages}
    return {
        "command": command,
        "recipe": asked.model_dump(mode="json", exclude_unset=True),
        "resolved": plan.recipe.model_dump(mode="json", exclude_unset=True),
        "stages": {stage.key: {"name": stage.name} | stage.definition for stage in plan.stages},
        "cells": [
            [cell.reader, cell.test, cell.seed, cell.predict.key]
            + [stage.key if stage is not None and stage.key in made else None for stage in _beside(cell)]
            for cell in cells
        ],
        "looks": [
            [
                look.probe,
                look.reader,
                look.tests,
                look.seed,
                look.stage.key,
                [cells.index(one) for one in look.scored],
            ]
            for look in plan.looks
        ],
        "wanted": {name: [stage.key for stage in stages] for name, stages in plan.wanted.items()},
        "checkpoints": [[one.reader, one.test, one.seed, one.number, one.predict.key] for one in plan.checkpoints],
    }


def read_plan(content: Mapping[str, Any]) -> tuple[Recipe, Plan, str]:
    """The recipe as it was asked for, its plan, and the command, from what `written_plan` gives."""
    stages: dict[str, Stage] = {}
    for key, one in content["stages"].items():  # needed ones first
        needs = {role: stages[need] for role, need in one["needs"].items()}
        stages[key] = Stage(one["kind"], one["name"], one["options"], needs, content=one["content"])
    cells = tuple(
        PlannedCell(reader, test, seed, stages[predict], *(None if key is None else stages[key] for key in beside))
        for reader, test, seed, predict, *beside in content["cells"]
    )
    looks = tuple(
        PlannedProbe(probe, reader, tuple(tests), seed, stages[key], tuple(cells[at] for at in scored))
        for probe, reader, tests, seed, key, scored in content["looks"]
    )
    checkpoints = tuple(
        Checkpoint(reader, test, seed, number, stages[key])
        for reader, test, seed, number, key in content["checkpoints"]
    )
    wanted = {name: tuple(stages[key] for key in keys) for name, keys in content["wanted"].items()}
    asked, resolved = (Recipe.model_validate(content[name]) for name in ("recipe", "resolved"))
    return asked, Plan(resolved, tuple(stages.values()), cells, looks, wanted, checkpoints), content["command"]


def _beside(cell: PlannedCell) -> tuple[Stage | None, ...]:
    return cell.train, cell.baseline, cell.untrained
