"""Launcher ``kubernetes``: each component runs in its own pod, placed by the name of its machine size.

`render` builds the pod spec without side effects; `pod_name` gives the pod the name by which a retry finds it; `pod_status` reads
from its status whether it waits, runs, or how it ended; `cluster` calls the API server and retries; `follow_pod` follows one pod from
start to end; `stop_outdated` deletes pods of an earlier plan; `trigger` waits for the end of a pod of a deferred task; `operator` puts all this into the provider's operator.
"""
