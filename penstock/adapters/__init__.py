"""Ports to AWS, each with its AWS and its in-memory implementation side by side.

    control     organisations, keys, models, grants, overrides    DynamoDB   read-only for the gateway
    ledger      intents, leases, claims of deliveries             DynamoDB
    objects     evidence                                          S3
    queues      outbox, background plugins, dead letters          SQS
    secrets     provider keys, the evidence key, plugins' secrets Secrets Manager
    seal_note   where the chain of seals ends                     DynamoDB   in the ledger
    functions   plugins' functions, invoked                       Lambda
    layers      registered plugins, published                     Lambda     by the command line alone
    storage     what plugins keep (`plugin_storage`)              DynamoDB   by plugins' functions alone
    email       what plugins send                                 SES        by plugins' functions alone
    exports     what plugins leave for others                     S3         by plugins' functions alone

`keys` and `resources` say how all of it is called: data, which the stacks read too. `stacks` finds a
deployment by its name, `signing` signs for providers in AWS. `provision`, `queue_poll` and `roles` do for the
local gateway what AWS does.

Only here is boto3 known. It is imported when the first client is made, never before. Every foreign
exception is mapped here: StorageError (try again), ConfigurationError (the resource is not there).
"""
