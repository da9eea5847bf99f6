"""Plain Channels: the tutorial's consumer, a `group_send` per message, stock channels_redis, daphne.

The layer is the pub/sub one: the tutorial's `core.RedisChannelLayer` loses idle consumers every 5 s with
redis-py 8 unless told otherwise (channels_redis#422), and costs more. So this is the better of the two.
"""
