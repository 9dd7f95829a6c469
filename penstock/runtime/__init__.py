"""The Lambda side of a function that streams: awslambdaric's loop, with response streaming behind it.

    python -m penstock.runtime functions.gateway.handler.handler

    streaming.py   what a handler returns, and its prelude; all that a handler needs to import
    client.py      the one seam to awslambdaric, which is untyped
    relaying.py    one streamed answer, from its first byte to its last
    post.py        the bytes of it on the way to the Runtime API
    breakage.py    an exception, told without its message

In AWS, `AWS_LAMBDA_EXEC_WRAPPER` names `exec-wrapper`, which stands beside this file.
"""
