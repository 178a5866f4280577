"""One file a job: file name = function name = name on the queue. Jobs call use cases only."""

from trustsvc import message_kinds

message_kinds.register()
