"""Recipes, scaled to the guests."""

from dataclasses import dataclass


@dataclass
class Ingredient:
    name: str
    grams: float


@dataclass
class Recipe:
    title: str
    serves: int
    ingredients: list[Ingredient]


def scale(recipe: Recipe, guests: int) -> Recipe:
    factor = guests / recipe.serves
    ingredients = [Ingredient(each.name, each.grams * factor) for each in recipe.ingredients]
    return Recipe(recipe.title, guests, ingredients)


def total_grams(recipe: Recipe) -> float:
    # Try it here: type “return ” and wait for the suggestion.
    


def shopping_list(recipe: Recipe) -> str:
    lines = [f"{each.name}: {each.grams:.0f} g" for each in recipe.ingredients]
    return "\n".join(lines)


soup = Recipe(
    "Pumpkin soup",
    serves=4,
    ingredients=[Ingredient("pumpkin", 900), Ingredient("potatoes", 300), Ingredient("cream", 150)],
)

print(shopping_list(scale(soup, guests=6)))
