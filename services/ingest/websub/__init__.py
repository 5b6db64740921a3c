"""WebSub, the subscriber's side (W3C Recommendation of 2018): hubs tell of news, polling checks that they do.

feed names a hub ─▶ found ─ ask the hub ─▶ requested ─ it verifies ─▶ active ─ renewed at half the lease
push ─ signature ─▶ hub_pushes, feed due ─▶ a poll takes the body instead of asking the publisher
"""
