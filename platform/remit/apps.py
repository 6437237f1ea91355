from django.apps import AppConfig


class RemitConfig(AppConfig):
    name = "remit"

    def ready(self) -> None:
        from remit import checks  # noqa: F401 - registers the system checks once apps are loaded
