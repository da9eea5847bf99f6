"""The parsed docker-compose.yml."""

import yaml
from django.conf import settings

COMPOSE_PATH = settings.BASE_DIR / "docker-compose.yml"
COMPOSE_TEXT = COMPOSE_PATH.read_text()
COMPOSE_FILE = yaml.safe_load(COMPOSE_TEXT)
SERVICES = COMPOSE_FILE["services"]
