"""The local gateway: what AWS does around the functions, done by processes of one machine.

    caller ──> front ──event──> pool of environments (awslambdaric) <──event── pollers <── queues
                                       │ boto3                                              │
                                       └────────────> AWS (moto, a process of its own) <────┘

Nothing of it is deployed, and nothing of Penstock imports it but the command line.
"""
