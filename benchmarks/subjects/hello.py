"""The least that the functions framework can do."""

import functions_framework


@functions_framework.http
def target(request):  # type: ignore[no-untyped-def]
    return "hello"
