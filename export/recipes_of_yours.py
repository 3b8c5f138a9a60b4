"""Recipes by name, or from a folder that `assistant-export import` made."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from assistant.errors import ConfigError
from assistant.registry import resolve
from export.recipe import Recipe
from export.recipes import PAIRS, RECIPES

RECIPE_FILE = "recipe.py"


def find_recipes(name: str) -> tuple[Recipe, ...]:
    """The recipes of a name ("all", one recipe's, or a pair's), or of a folder with a `recipe.py`.

    Raises `ConfigError` for neither, and for a folder whose bundle would replace one of this project's. A folder's
    `recipe.py` is run: it is your own code.
    """
    path = Path(name) / RECIPE_FILE
    if name in RECIPES or name in PAIRS or name == "all" or not path.is_file():
        names = tuple(RECIPES) if name == "all" else PAIRS.get(name, (name,))
        return tuple(_checked(resolve(RECIPES, item, kind="recipe"), item) for item in names)
    spec = importlib.util.spec_from_file_location(f"recipe_{Path(name).name}", path)
    assert spec is not None and spec.loader is not None  # it is a .py file
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    several = getattr(module, "RECIPES", None) or (getattr(module, "RECIPE", None),)
    return tuple(_yours(_checked(item, str(path)), path) for item in several)


def find_recipe(name: str) -> Recipe:
    """The only recipe of a name or folder. Raises `ConfigError` where there is none, or more than one."""
    found = find_recipes(name)
    if len(found) != 1:
        raise ConfigError(f"{name} is {len(found)} recipes: {', '.join(item.name for item in found)}.")
    return found[0]


def _yours(found: Recipe, path: Path) -> Recipe:
    if found.name in RECIPES:
        raise ConfigError(
            f"The recipe of {path} is called '{found.name}', as one of this project: its bundle would take the place "
            "of that one's.",
            remedy="Rename the folder.",
        )
    return found


def _checked(found: object, where: str) -> Recipe:
    if not isinstance(found, Recipe):
        raise ConfigError(f"{where} has no RECIPE.", remedy="It must say: RECIPE = Recipe(…)")
    return found
