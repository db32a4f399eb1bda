"""Facts that several rooms state: scores, repairs, scopes, counts, file formats.

Each fact stands here once, as a row of a frozen table; whoever lists, draws, checks
or describes one reads the row. A new score or file format is a new row. Nothing
here imports torch or Qt.
"""

from core.tables.architectures import ARCHITECTURES, Architecture
from core.tables.choices import (
    COUNTS,
    RECOVERIES,
    SCOPES,
    Count,
    CountRow,
    Recovery,
    RecoveryRow,
    ScopeRow,
    Target,
)
from core.tables.formats import (
    IMAGE_FORMATS,
    LABEL_ENDINGS,
    LABEL_FORMATS,
    MODEL_ENDINGS,
    MODEL_EXPORTS,
    MODEL_FORMATS,
    MODEL_LIKE_ENDINGS,
    NUCLEUS_EXPORT_ENDINGS,
    NUCLEUS_EXPORTS,
    TILE_ENDINGS,
    FileFormat,
    ImageFormat,
    LabelFormat,
    file_filter,
)
from core.tables.libraries import LIBRARIES, Library
from core.tables.limits import MAX_PANES, MAX_SPARSITY, MAX_STEPS
from core.tables.metrics import METRICS, Metric, metric_titles, metrics_for
from core.tables.readers import (
    OUTPUT_READERS,
    PATCH_READER,
    ReaderRow,
    ReaderSetting,
)
from core.tables.tasks import TASKS, TaskRow

__all__ = [
    "ARCHITECTURES",
    "COUNTS",
    "IMAGE_FORMATS",
    "LABEL_ENDINGS",
    "LABEL_FORMATS",
    "LIBRARIES",
    "MAX_PANES",
    "MAX_SPARSITY",
    "MAX_STEPS",
    "METRICS",
    "MODEL_ENDINGS",
    "MODEL_EXPORTS",
    "MODEL_FORMATS",
    "MODEL_LIKE_ENDINGS",
    "NUCLEUS_EXPORTS",
    "NUCLEUS_EXPORT_ENDINGS",
    "OUTPUT_READERS",
    "PATCH_READER",
    "RECOVERIES",
    "SCOPES",
    "TASKS",
    "TILE_ENDINGS",
    "Architecture",
    "Count",
    "CountRow",
    "FileFormat",
    "ImageFormat",
    "LabelFormat",
    "Library",
    "Metric",
    "ReaderRow",
    "ReaderSetting",
    "Recovery",
    "RecoveryRow",
    "ScopeRow",
    "Target",
    "TaskRow",
    "file_filter",
    "metric_titles",
    "metrics_for",
]
