"""Generated files: `trainshed docs` writes them, and a test fails when one is stale.

From the contracts come ``component.yaml``, S3 policies, service accounts and external secrets, and the list of images. From the
lock file come the requirements of each image. From recipes, commands and settings come the tables of the documentation.
"""
