"""gateway.toml: read, checked, compiled into what is deployed and what is applied."""
