"""How good the models are: each kind of task with new and with pretrained weights, and what few labels are worth.

`make quality` runs the bodies of the steps one after another in one process. It needs no servers. Finished steps
stay in the work folder, so a second call goes on where the first one ended, also on another machine with other devices.
"""
