"""`make chaos`: thousands of recipients while everything around the sender breaks, and afterwards the question whether a promise did.

| file | does |
|---|---|
| `plan` | how much, and at which instants, all of it from one seed |
| `audience` | whom to send what: recipients, notifications, and the tag that each must carry |
| `faults` | what FCM and the task service do wrong meanwhile |
| `backend`, `simulator`, `cloud`, `database` | the doors of the running stack |
| `havoc` | kills `send`, stops Firestore, posts, ticks |
| `evidence` | what the API, FCM and Firestore say afterwards |
| `judge` | the promises, and who shows that one was broken (pure) |
| `table` | what is printed |
| `broadcast_…` | the same for one broadcast, whose `fanout` is killed too (`make chaos-broadcast`) |
"""
