"""What an operator runs against a deployment, or the local stack, with credentials of their own: `python -m ops.<name>`.

The functions' source root is not installed anywhere: it is found beside this folder, as functions-framework finds it.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "functions"))
