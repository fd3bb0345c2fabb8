"""Asks how much sooner a run is over with 2 or 3 workers of a cluster than with one, and how much this machine allows.

Blocks of one experiment, CPU-bound, are measured by a Dask cluster of 1, 2 and 3 workers on this machine, and by as
many plain processes that share the same blocks out evenly and tell nobody anything: the machine's own ceiling, which is
below n-fold where it has fewer processors, or other work to do. All take turns in each round; the table shows medians
over rounds, and of each round's ratios:

    .venv/bin/python -m benchmarks.cluster
"""

import multiprocessing
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from multiprocessing.pool import Pool
from statistics import median
from tempfile import TemporaryDirectory

from distributed import LocalCluster
from threadpoolctl import threadpool_limits

from experiments.blocks import Block, blocks_of
from experiments.cluster import DaskExecutor
from experiments.memory import keep_freed_memory
from experiments.variance import Variance

N_WORKERS = (1, 2, 3)
ROUNDS = 3
EXPERIMENT = Variance(n_blocks=800, d_k=[64], margin=0.001)


def measure_share(blocks: list[Block]) -> None:
    """Measure blocks, one after another, with a BLAS of one thread."""
    keep_freed_memory()
    with threadpool_limits(limits=1, user_api="blas"):
        for block in blocks:
            block.measure()


def on_cluster(executor: DaskExecutor, blocks: list[Block]) -> None:
    """Measure blocks on the workers of a cluster."""
    for _ in executor.run(blocks):
        pass


def on_processes(pool: Pool, n_workers: int, blocks: list[Block]) -> None:
    """Measure blocks in independent processes."""
    pool.map(measure_share, [blocks[i::n_workers] for i in range(n_workers)], chunksize=1)


def seconds(work: Callable[[list[Block]], None], blocks: list[Block]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work(blocks)
    return time.perf_counter() - started


def main() -> None:
    """Measure, and print the table."""
    blocks = list(blocks_of(EXPERIMENT, 7))
    ways: dict[tuple[str, int], Callable[[list[Block]], None]] = {}
    with ExitStack() as stack:
        for n in N_WORKERS:
            folder = stack.enter_context(TemporaryDirectory())
            workers = stack.enter_context(
                LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=":0", local_directory=folder)
            )
            executor = stack.enter_context(DaskExecutor(workers.scheduler_address, print))
            ways["cluster", n] = partial(on_cluster, executor)
            pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(n))
            ways["processes", n] = partial(on_processes, pool, n)
        for work in ways.values():  # modules are loaded
            work(blocks[:20])
        rounds = [{way: seconds(work, blocks) for way, work in ways.items()} for _ in range(ROUNDS)]
    print(f"{len(blocks)} blocks, {ROUNDS} rounds, medians\n")
    print("workers   cluster: s  speed-up   plain processes: s  speed-up   cluster/processes: speed")
    for n in N_WORKERS:
        times = [median(r[who, n] for r in rounds) for who in ("cluster", "processes")]
        gains = [median(r[who, 1] / r[who, n] for r in rounds) for who in ("cluster", "processes")]
        share = median(r["processes", n] / r["cluster", n] for r in rounds)
        print(f"{n:7}{times[0]:13.2f}{gains[0]:10.2f}{times[1]:21.2f}{gains[1]:10.2f}{share:27.2f}")


if __name__ == "__main__":
    main()
