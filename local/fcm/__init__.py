"""A stand-in for fcm.googleapis.com: it validates like FCM, keeps what it accepted and fails on request."""
