"""The interpreter that turns a recipe's line into a pipeline of Kubeflow Pipelines (kfp).

`compile` makes the file, `ir` and `platform` say purely what is in its two documents, `identity` ties it to the code it was
compiled from. `step` and `end` run in the containers: kfp has no process of ours beside them, so a container makes its own
request. The kfp SDK is needed by nothing here: the IR is plain data, validated by the SDK in an environment of its own.
"""
