"""Webhooks: events pushed to other systems, signed by Standard Webhooks 1.0, in order, tried again for days.

routes.py   what operators ask for          -> rows, NOTIFY
../deliver.py claims subscriptions that are due, push.py serves each: read the log -> filter -> sign -> POST -> record
"""
