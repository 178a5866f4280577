"""One file a job: file name = function name = name on the queue. Jobs call verbs, nothing more."""
