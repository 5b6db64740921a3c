"""How Wiredesk is run: on one machine (`deploy.local`), in containers, on a cluster."""
