"""Write docs/openapi.yaml: the REST API in OpenAPI 3.1, as its views declare it (`make openapi`)."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "openapi.yaml"


def text() -> str:
    """Return the document as it should stand in the tree."""
    # Both need the settings, which whoever calls this has chosen by now.
    import yaml

    from api.schema import document

    return str(yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120))


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "remit.settings")
    import django

    django.setup()
    PAGE.write_text(text())
    print(f"wrote {PAGE.relative_to(ROOT)}")
