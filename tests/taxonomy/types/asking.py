"""Addresses of the taxonomy, and how a change is looked at and confirmed."""

from django.urls import reverse


def path(project, name, *args):
    return reverse(f"taxonomy:{name}", args=[project.slug, *args])


def confirm(client, address, form=None):
    """Preview, then send the same form with what the preview handed out."""
    looked = client.post(address, (form or {}) | {"preview": "1"})
    preview = looked.context.get("preview")
    assert preview is not None, looked.context.get("refusal") or looked.context["form"].errors
    return client.post(address, (form or {}) | {"confirm": "1", "token": preview.token, "seen": preview.seen})
