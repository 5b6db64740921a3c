"""The hub (WebSub, W3C 2018) for the feeds of saved searches.

routes.py   what a reader asks for          -> a request, NOTIFY, 202
../deliver.py claims requests and subscriptions; hub.py confirms the ones and pushes to the others
"""
