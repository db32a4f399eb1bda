"""Small widgets that know nothing of the program: they show values and emit intents."""
