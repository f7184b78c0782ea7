"""The four stages of datatrove's MinHash deduplication on one core; prints the CPU seconds that they took.

``python -m benchmarks.datatrove_run IN OUT``. datatrove is no dependency of this project: install it beside.
"""

from __future__ import annotations

import resource
import sys

import xxhash


def main(source: str, output: str) -> None:
    """Signatures, buckets, clusters, filter."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    config = MinhashConfig()
    stages = [
        (1, [JsonlReader(source, text_key="text", id_key="none"), MinhashDedupSignature(f"{output}/signatures", config=config)]),
        (config.num_buckets, [MinhashDedupBuckets(f"{output}/signatures", f"{output}/buckets", config=config)]),
        (1, [MinhashDedupCluster(f"{output}/buckets", f"{output}/removed", config=config)]),
        (1, [JsonlReader(source, text_key="text", id_key="none"), MinhashDedupFilter(f"{output}/removed"), JsonlWriter(f"{output}/kept")]),
    ]
    for number, (tasks, steps) in enumerate(stages):
        LocalPipelineExecutor(pipeline=steps, tasks=tasks, workers=1, logging_dir=f"{output}/logs{number}").run()


def patch() -> None:
    """Let xxhash 4 take text, as version 3 did, which datatrove 0.10 relies on."""
    for name in ("xxh32_intdigest", "xxh64_intdigest"):
        original = getattr(xxhash, name)
        setattr(xxhash, name, lambda data, original=original: original(data.encode() if isinstance(data, str) else data))


if __name__ == "__main__":
    patch()
    main(*sys.argv[1:3])
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(sum(each.ru_utime + each.ru_stime for each in used))
