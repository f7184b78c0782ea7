#!/bin/sh
# Remove what no component imports from a folder of packages, then compile the rest, because a container's file system is read-only.
# Half of some libraries are their tests; botocore describes every service of AWS; pyarrow includes an RPC library.
set -eu
cd "$1"
find . -type d -name tests -prune -exec rm -rf {} +
rm -rf bin pyarrow/include pyarrow/*flight* torch/include torch/test
if [ -d botocore/data ]; then
    find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name 'sso*' ! -name signin -exec rm -rf {} +
fi
# a few files are for newer Pythons and do not compile; pip skips them too
python -m compileall -qq -j 0 . || true
