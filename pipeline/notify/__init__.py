"""Who is notified when a run has ended, or waits: the log, people by e-mail or Slack, another system by a webhook.

Who is notified is no part of what is computed: neither the recipe's section ``notify`` nor a setting enters a fingerprint. `send` never
raises: a notifier that fails is logged, and the run stays what it is.
"""

from pipeline.lookup import Table

NOTIFIERS = Table(
    "notifier",
    "trainshed.notifiers",
    {
        "log": "pipeline.notify.log:notify",
        "mail": "pipeline.notify.mail:notify",
        "slack": "pipeline.notify.slack:notify",
        "webhook": "pipeline.notify.webhook:notify",
    },
)
