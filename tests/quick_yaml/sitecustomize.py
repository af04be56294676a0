"""Lets Collective Mind read its YAML files by the C parser of the same library, where there is one: a tenth of the time.

Python imports this by itself in every process that tests start, as this folder is on their ``PYTHONPATH``.
"""

import yaml

yaml.FullLoader = getattr(yaml, "CFullLoader", yaml.FullLoader)
