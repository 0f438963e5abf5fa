"""What Firestore demands of a query and its emulator does not: an index."""
