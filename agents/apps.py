from django.apps import AppConfig

from audit import naming


class AgentsConfig(AppConfig):
    name = "agents"

    def ready(self) -> None:
        # Models are there only once all apps are.
        from agents.models import Agent

        naming.FINDERS["agent"] = lambda words: Agent.objects.filter(name__icontains=words).values("pk")
