"""`make load`: mixed traffic for two minutes, what it took, and whether all that was accepted was delivered meanwhile.

`locustfile.py` runs under locust in an environment of its own (`requirements.txt`) and reads nothing of the project but `caller.py` and `traffic.py`.
Everything else here starts the stack, asks the FCM simulator what arrived, and judges.
"""
