"""Where documents stand. Everything of a tenant is below `tenants/{tenant}`: one rule isolates it, one recursive delete erases it."""

from __future__ import annotations

from google.cloud.firestore import Client, CollectionReference, DocumentReference

from fanfare.domain.chunk import ChunkKey


def tenant_reference(client: Client, tenant: str) -> DocumentReference:
    """`tenants/{tenant}`."""
    return client.collection("tenants").document(tenant)


def collection_of(client: Client, tenant: str, name: str) -> CollectionReference:
    """`tenants/{tenant}/{name}`."""
    collection: CollectionReference = tenant_reference(client, tenant).collection(name)
    return collection


def notification_reference(client: Client, tenant: str, notification_id: str) -> DocumentReference:
    """`tenants/{tenant}/notifications/{id}`."""
    return collection_of(client, tenant, "notifications").document(notification_id)


def chunk_reference(client: Client, key: ChunkKey) -> DocumentReference:
    """`…/notifications/{id}/chunks/{n}`."""
    chunks: CollectionReference = notification_reference(client, key.tenant, key.notification_id).collection("chunks")
    return chunks.document(str(key.number))


def recipients_reference(client: Client, key: ChunkKey) -> DocumentReference:
    """`…/notifications/{id}/recipients/{n}`."""
    recipients: CollectionReference = notification_reference(client, key.tenant, key.notification_id).collection("recipients")
    return recipients.document(str(key.number))


def dead_letter_reference(client: Client, tenant: str, dead_letter_id: str) -> DocumentReference:
    """`tenants/{tenant}/dead_letters/{id}`."""
    return collection_of(client, tenant, "dead_letters").document(dead_letter_id)


def key_of_chunk(reference: DocumentReference) -> ChunkKey:
    """Which chunk a document is: `tenants/{t}/notifications/{id}/chunks/{n}`."""
    _, tenant, _, notification_id, _, number = reference.path.split("/")
    return ChunkKey(tenant, notification_id, int(number))


def key_of_notification(reference: DocumentReference) -> ChunkKey:
    """The first chunk of a notification: `tenants/{t}/notifications/{id}`."""
    _, tenant, _, notification_id = reference.path.split("/")
    return ChunkKey(tenant, notification_id, 0)
