"""Serves one function as functions-framework does when deployed, on a database that demands indexes as the deployed one does.

`python -m local.function_server --target api --source functions/main.py --host H --port P`: the framework's own arguments.
"""

from __future__ import annotations

import runpy

from local.indexes.demand import demand_indexes

if __name__ == "__main__":
    demand_indexes()
    runpy.run_module("functions_framework", run_name="__main__", alter_sys=True)
