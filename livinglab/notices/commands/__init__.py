"""Delivering what the journal holds, and the daily mail."""

from livinglab.notices.commands.deliver import deliver_notices
from livinglab.notices.commands.digest import send_digests
from livinglab.notices.commands.reading import read_all, read_notice, stop_digest

__all__ = ["deliver_notices", "read_all", "read_notice", "send_digests", "stop_digest"]
