"""How dates are written in each language, under one name for each form: no page writes one otherwise."""
