"""Where plugins' requests may go: public addresses of granted hosts, resolved once.

    addresses   which addresses are public, by the registries of special-purpose addresses
    network     connects to what a name was resolved to, and to nothing that is not public
    deadline    one bound over all that a request does, its resolving too

These are a library's check, for code that means no harm and for names that change under it. What a plugin
does past the library only the network can stop: `egress = "enforced"`, where these work too:

    messages    what crosses between a plugin's function and the egress function
    client      sends by an alias of the egress function, for who has no route out
    function    the egress function's side: whose alias, which hosts, one request
"""
