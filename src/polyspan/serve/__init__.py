"""Answers over HTTP: what is asked and answered, requests computed together, limits, the server and its page.

`server.serve` is the whole of it; `application.make_application` is for other servers. Nothing here is imported
elsewhere, and what it needs (fastapi, uvicorn, prometheus_client) nowhere but here.

Gives: `limits`, `server`. Its own: `application`, `batching`, `contract`, `gate`, `merging`, `meters`,
`model_card`, `service`, `turns`, `worker`, `workers`.
"""
