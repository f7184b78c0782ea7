"""datatrove on one core: its MinHash deduplication alone, or with quality rules and exact deduplication before; prints the CPU seconds it took.

``python -m benchmarks.datatrove_run near|all IN OUT``. datatrove is no dependency of this project: install it beside.
"""

from __future__ import annotations

import resource
import sys
from typing import Any

import xxhash


def near(source: str, output: str) -> None:
    """The four stages: signatures, buckets, clusters, filter."""
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    config = MinhashConfig()
    _run(output, 1, [_reader(source), MinhashDedupSignature(f"{output}/signatures", config=config)])
    _near_rest(source, output, config)


def everything(source: str, output: str) -> None:
    """The rules of Gopher and C4, exact duplicates, near duplicates, in as few passes as its blocks allow."""
    from datatrove.pipeline.dedup import ExactDedupFilter, ExactDedupSignature, ExactFindDedups, MinhashDedupSignature
    from datatrove.pipeline.dedup.exact_dedup import ExactDedupConfig
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter, GopherRepetitionFilter
    from datatrove.pipeline.writers import JsonlWriter

    config, exact = MinhashConfig(), ExactDedupConfig(content_getter=_text)
    rules = [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False)]
    _run(output, 1, [_reader(source), *rules, JsonlWriter(f"{output}/filtered"), ExactDedupSignature(f"{output}/exact", exact)])
    _run(output, 1, [ExactFindDedups(f"{output}/exact", f"{output}/same", exact)])
    once = [_reader(f"{output}/filtered"), ExactDedupFilter(f"{output}/same", exact), JsonlWriter(f"{output}/once")]
    _run(output, 1, [*once, MinhashDedupSignature(f"{output}/signatures", config=config)])
    _near_rest(f"{output}/once", output, config)


def _near_rest(source: str, output: str, config: Any) -> None:
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
    from datatrove.pipeline.writers import JsonlWriter

    _run(output, config.num_buckets, [MinhashDedupBuckets(f"{output}/signatures", f"{output}/buckets", config=config)])
    _run(output, 1, [MinhashDedupCluster(f"{output}/buckets", f"{output}/removed", config=config)])
    _run(output, 1, [_reader(source), MinhashDedupFilter(f"{output}/removed"), JsonlWriter(f"{output}/kept")])


def _text(document: Any) -> str:
    return str(document.text)


def _reader(source: str) -> Any:
    from datatrove.pipeline.readers import JsonlReader

    return JsonlReader(source, text_key="text", id_key="none")


def _run(output: str, tasks: int, steps: list[Any]) -> None:
    from datatrove.executor import LocalPipelineExecutor

    LocalPipelineExecutor(pipeline=steps, tasks=tasks, workers=1, logging_dir=f"{output}/logs-{steps[-1].name}-{len(steps)}").run()


def patch() -> None:
    """Let xxhash 4 take text, as version 3 did, which datatrove 0.10 relies on."""
    for name in ("xxh32_intdigest", "xxh64_intdigest"):
        original = getattr(xxhash, name)
        setattr(xxhash, name, lambda data, original=original: original(data.encode() if isinstance(data, str) else data))


if __name__ == "__main__":
    patch()
    {"near": near, "all": everything}[sys.argv[1]](*sys.argv[2:4])
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(sum(each.ru_utime + each.ru_stime for each in used))
