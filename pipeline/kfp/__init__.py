"""The interpreter that compiles a recipe's line to a pipeline of Kubeflow Pipelines (kfp).

`compile` writes the file; `ir` and `platform` build its two documents without side effects; `identity` ties it to the code that it was
compiled from. `step` and `end` run in the containers: kfp runs no process of ours beside them, so a container makes its own request.
Nothing here needs the kfp SDK: the IR is plain data, which tests validate with the SDK in a separate environment.
"""
