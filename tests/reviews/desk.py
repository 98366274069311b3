"""The desk over HTTP, as tests ask it."""

from django.urls import reverse

HTMX = {"HX-Request": "true"}


def path(name, project, pk):
    return reverse(f"reviews:{name}", args=[project.slug, pk])


def post(client, name, project, item, **data):
    return client.post(path(name, project, item.pk), data, headers=HTMX)


def text_of(answer):
    return " ".join(answer.content.decode().split())


def other_items(made, item):
    return list(made.items.exclude(pk=item.pk).order_by("order"))
