"""The standard controls: who asks, from where, for what, how much. Each gives its value or a `Denied`.

    guardrails      addresses, size and encoding of the body
    authentication  API key → principal, tenant
    access          principal and model → model with its provider

Nothing is remembered longer than 30 s: what an operator changes holds everywhere after that.
"""
