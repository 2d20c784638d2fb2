"""The least that keeps something in Firestore: one document for a request, by the client library as it comes."""

import functions_framework
from google.cloud import firestore

_client = []


@functions_framework.http
def target(request):
    if not _client:
        _client.append(firestore.Client())
    _client[0].collection("people").document().create({"body": request.get_data(as_text=True)})
    return {"stored": True}, 201
