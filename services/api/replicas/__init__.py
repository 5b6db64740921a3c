"""How replicas of the deliver process share the subscriptions: by parts, leases and turns. No replica knows another.

    look: beat, renew what is ours -> how many look, how much is open -> claim up to our part -> serve a turn, give back

A part is what is open (due, or leased by anybody) over the replicas that looked lately. One that does not look is not
counted, and its leases end. A turn is short, so that a replica that comes gets its part of what never rests.
"""

BEAT_S = 2.0  # between two looks, at most: each renews the leases
LEASE_S = 8.0  # several beats; how long the subscriptions of a replica that was killed wait
TURN_S = 2.0  # after which a subscription with more to deliver queues again
