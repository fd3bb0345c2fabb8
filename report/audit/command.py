"""`python -m report audit`: read, measure, draw, render and write."""

import sys
import time

from experiments.audit import open_heads
from experiments.audit.law_curve import law_curve
from experiments.audit.measured import measure_heads
from experiments.audit.options import AuditOptions
from experiments.audit.record import audit_record
from experiments.cli import tell
from experiments.faults import Faults
from experiments.output import only_one, publish
from report.audit.page import audit_page
from report.audit.summary import summarise
from report.wording import count


def audit(options: AuditOptions) -> int:
    """The main job; the exit code. Faults, and nothing written, for whatever is wrong with the files."""
    started = time.perf_counter()
    file = options.paths[0].name if len(options.paths) == 1 else ""
    with only_one(options.out, ["audit"]):
        try:
            with open_heads(
                options.paths, batch_first=options.batch_first, n_heads=options.n_heads, scratch=options.out
            ) as audited:
                heads = measure_heads(audited.heads, options.settings, options.jobs, file)
            law = law_curve(heads, options.settings.causal)
            files = audit_page(heads, law, audit_record(heads, audited.read, options))
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing was written") from None
        except MemoryError:
            raise Faults(
                "this machine has not enough memory for these heads; try fewer threads with --jobs (JOBS=)"
            ) from None
        publish(options.out, files)
    found = summarise(heads)
    tell(
        sys.stdout,
        f"{time.perf_counter() - started:.1f} s · {count(found.n_heads, 'head')} · {options.out / list(files)[-1]} · "
        f"{found.n_saturated} saturated as used, {found.n_raw_saturated} raw, {found.n_flat} nearly uniform",
    )
    return 0
