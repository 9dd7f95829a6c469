"""The engine: runs plugins at a gate, holds them to their grants, and leaves one record of each.

    gate, placement, scope, overrides   who runs, in which order, and what comes of what they decide
    exchange, inspection                what a request is to the gates, and what a guard could not see
    host, deadline, breaker             a plugin's method in this process, in bounds of time
    function_host, hosted_*, started    the same in a function of its own; several side by side
    waited_call                         a background plugin's function that is waited for
    records, denials                    what is left in the evidence, what the caller is told
    window, window_sync, stream_*       the same over an answer that is still being made

It knows no wire format and no HTTP.
"""
