"""Write config/rules.schema.json anew: python -m tests.policy.write_schema."""

import json
from pathlib import Path

from proxy.policy.rules_schema import json_schema

if __name__ == "__main__":
    path = Path(__file__).parents[2] / "config" / "rules.schema.json"
    path.write_text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
