"""What is kept of each request, and what proves that it is still there.

    record, digests, schema, encoding   what may be in a record, by type: no words of a conversation
    intent, messages, recorder          from the request's way through the outbox to the bucket
    sweeper                             what a lost environment left open
    archive, layout, whereabouts        where it lies, and where to look at it
    delivery                            what a background plugin did with it, each attempt
    sealing, seals, chain, verifying    hourly inventories, chained; and whether all is as it was sealed
    reading                             for the command line
    telemetry, logs                     the request's line of metrics; logs without content

What is stored is never written again: what comes later is an object beside it.
"""
