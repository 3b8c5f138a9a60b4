"""What lives beside a live assistant: it is started, asked, told, reloaded and ended from outside.

`service.py` holds the assistant through reloads, `notify.py` reports to systemd, `journal.py` to the journal.
"""
