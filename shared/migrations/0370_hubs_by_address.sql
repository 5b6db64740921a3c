-- What a hub does for the feeds that are subscribed at it: the doctor asks before another one is.

CREATE INDEX hub_subscriptions_hub ON hub_subscriptions (hub_url);
