from django.apps import AppConfig

from evalhub.serving.logs import configure_structlog


class ServingConfig(AppConfig):
    name = "evalhub.serving"

    def ready(self) -> None:
        # Shared tasks need the Celery application to be there before the first one is sent.
        from evalhub import celery  # noqa: F401 -- imported for its effect
        from evalhub.serving import database_checks  # noqa: F401 -- likewise: Django asks what is registered

        configure_structlog()
