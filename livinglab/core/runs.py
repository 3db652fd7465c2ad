"""What the worker has done: one row a job, read by ``/readyz`` and ``livinglab jobs list``."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class JobRun(SQLModel, table=True):
    """The last run of one job."""

    __tablename__ = "job_run"
    name: str = Field(primary_key=True, max_length=60)
    started_at: datetime
    finished_at: datetime | None = None
    error: str | None = Field(default=None, max_length=500)
    leader: str = Field(max_length=80)
    runs: int = 0
