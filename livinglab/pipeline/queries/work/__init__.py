"""What waits for one person."""

from livinglab.pipeline.queries.work.page import MOST, next_deadline, work, work_count
from livinglab.pipeline.queries.work.tasks import MINUTES, Task, WorkItem

__all__ = ["MINUTES", "MOST", "Task", "WorkItem", "next_deadline", "work", "work_count"]
