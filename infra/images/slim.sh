#!/bin/sh
# Remove what no component imports from a folder of packages, then compile the rest, because a container's file system is read-only.
# Half of some libraries are their tests; botocore describes every service of AWS; pyarrow includes an RPC library and two
# copies of a library, and zstandard a second form of itself for other Pythons. Type stubs, sources and build tools serve compilers.
set -eu
cd "$1"
find . -type d -name tests -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' \) -delete
rm -rf bin pyarrow/include pyarrow/*flight* pyarrow/libarrow_python.so pyarrow/libarrow_python.so.*.*.* torch/include torch/test
rm -rf pyarrow/src numpy/distutils sqlalchemy/testing zstandard/_cffi.* zstandard/backend_cffi.py
if [ -d botocore/data ]; then
    find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name 'sso*' ! -name signin -exec rm -rf {} +
fi
# a few files are for newer Pythons and do not compile; pip skips them too
python -m compileall -qq -j 0 . || true
