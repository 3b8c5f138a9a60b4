"""Recipes by name, or from a folder that `assistant-export import` made."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from assistant.errors import ConfigError
from assistant.registry import resolve
from export.recipe import Recipe
from export.recipes import RECIPES

RECIPE_FILE = "recipe.py"


def find_recipe(name: str) -> Recipe:
    """The recipe of a name, or of a folder with a `recipe.py`. Raises `ConfigError` for neither.

    A folder's `recipe.py` is run: it is your own code.
    """
    path = Path(name) / RECIPE_FILE
    if name in RECIPES or not path.is_file():
        return _recipe(resolve(RECIPES, name, kind="recipe"), name)
    spec = importlib.util.spec_from_file_location(f"recipe_{Path(name).name}", path)
    assert spec is not None and spec.loader is not None  # it is a .py file
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return _recipe(getattr(module, "RECIPE", None), str(path))


def _recipe(found: object, where: str) -> Recipe:
    if not isinstance(found, Recipe):
        raise ConfigError(f"{where} has no RECIPE.", remedy="It must say: RECIPE = Recipe(…)")
    return found
