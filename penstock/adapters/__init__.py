"""Ports to AWS, each with its AWS and its in-memory implementation side by side.

    control     organisations, keys, models, grants, overrides    DynamoDB   read-only for the gateway
    ledger      intents, leases, claims of deliveries             DynamoDB
    objects     evidence                                          S3
    queues      outbox, background plugins, dead letters          SQS
    secrets     provider keys, the evidence key, plugins' secrets Secrets Manager

Only here is boto3 known. It is imported when the first client is made, never before. Every foreign
exception is mapped here: StorageError (try again), ConfigurationError (the resource is not there).
"""
