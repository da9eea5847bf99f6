"""Plain Channels: the tutorial's consumer, a `group_send` per message, stock channels_redis, daphne.

The layer is the pub/sub one, the cheaper of the two: with redis-py 8, the tutorial's `core.RedisChannelLayer` loses
idle consumers every 5 s by default (channels_redis#422), and needs more CPU time.
"""
