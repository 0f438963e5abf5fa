"""`make follow-a-push`: one push, followed from the request through every outlet of its events."""
