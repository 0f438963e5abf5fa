"""HTTP: the routes of each resource in `x.py`; what it takes in `x_schemas.py` and what it shows in `x_answers.py`, where that is more than a few."""
