"""Every model call, once: store.py is what runs use; the rest looks after the file itself."""

from datagen.journal.place import default_path
from datagen.journal.store import CHECKED_BYTES, Journal, open_journal, reply_from
from datagen.journal.tables import connect

__all__ = ["CHECKED_BYTES", "Journal", "connect", "default_path", "open_journal", "reply_from"]
