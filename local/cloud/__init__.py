"""Stand-in for Cloud Tasks, Secret Manager, Cloud Scheduler and Google's token endpoints, for the local stack and the tests.

``python -m local.cloud --host 127.0.0.1 --port 0 [--ready-file PATH]``; the ready file holds ``{"port": N}``. State is in memory.

Google's surface (JSON over REST, spoken to by the real clients):

=========================================================== =================================================================
``/v2/projects/P/locations/L/queues…``                      Cloud Tasks v2: queues, ``:pause :resume :purge``, tasks, ``:run``
``/v1/projects/P/secrets…``                                 Secret Manager v1: secrets, versions, ``:access`` and the states
``/v1/projects/P/locations/L/jobs…``                        Cloud Scheduler v1: jobs, ``:pause :resume :run``
``GET /oauth2/v3/certs``, ``GET /oauth2/v1/certs``          the OIDC key as a JWK set, and as ``{kid: PEM certificate}``
``POST /token``                                             OAuth, grant type ``jwt-bearer``
=========================================================== =================================================================

Admin, for tests and the stack only:

=========================================================== =================================================================
``GET /_local/health``                                      200 once it serves
``GET /_local/tasks?queue=Q``                               pending tasks: name, schedule time, attempts, last status, running
``GET /_local/stats``                                       per queue: created, dispatched, succeeded, retried, exhausted, …
``GET /_local/idle?timeout=30&queue=Q``                     200 once nothing is running or due within 1 s, else 504
``GET /_local/faults``                                      the faults in force
``POST /_local/faults``                                     sets the named faults (below), keeps the others
``DELETE /_local/faults``                                   no faults any more
``POST /_local/oidc-token {"audience", "email"}``           ``{"token"}``: what a task to that audience would carry
``POST /_local/service-accounts``                           ``{"client_email", "public_key_pem"}``: check its signatures at ``/token``
=========================================================== =================================================================

A queue is named by its id or its whole resource name; without ``queue`` all queues (and the scheduler's runs) are meant.

Faults: ``create_task {"status": 503, "times": 3}`` refuses that many creations; ``duplicate_share 0.1`` dispatches that share of the
attempts twice at once; ``reorder true`` sends due tasks in random order; ``deadline_seconds 0.3`` replaces every task's dispatch deadline
(the API's own minimum is 15 s); ``seed 7`` makes the random ones repeatable.

Where it differs from Google on purpose: a queue's ``maxBurstSize`` is obeyed when given (Google computes it), and a deleted queue's
name is free again at once.
"""

from __future__ import annotations
