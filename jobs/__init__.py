"""One file a job: file name = function name = name on the queue. Jobs only call use cases."""
